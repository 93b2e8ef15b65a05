//! Routing that looks plausible, by a few words.

import type { Candidate, Expert, Plan, Reading, Seat } from "../bindings";

const hints: [string, RegExp][] = [
  ["code", /python|function|code/i],
  ["units", /convert|metre|°|minutes|hours|kilo|centi/i],
  ["words", /word|sort|reverse|plural|letters/i],
  ["mathematics", /\d\s*[-+*/×÷%]|divide|sum|percent|what is \d/i],
];

export function plan(text: string, pool: Expert[], byHand: string | null, seat: Seat): { plan: Plan; reading: Reading } {
  const domain = hints.find(([, pattern]) => pattern.test(text))?.[0] ?? "none";
  const labels = ["mathematics", "units", "words", "code", "none"];
  const domains = labels
    .map((label, index) => ({ domain: label, probability: label === domain ? 0.934 : 0.006 + index * 0.004 }))
    .sort((a, b) => b.probability - a.probability);
  const seated = seat.state === "taken" ? seat.expert : null;
  const experts: Candidate[] = pool
    .map(({ manifest }) => {
      const gate = domains.find((row) => manifest.domains.includes(row.domain))?.probability ?? 0.05;
      const self = manifest.domains.includes(domain) ? 0.95 : manifest.fallback ? 0.3 : 0.04;
      const swap = manifest.name === seated ? 0 : 0.02;
      return { name: manifest.name, title: manifest.title, score: 0.6 * gate + 0.4 * self - swap, terms: { gate, self, load: 1, swap } };
    })
    .sort((a, b) => b.score - a.score);
  const abstained = domain === "none";
  const chosen = byHand ?? (abstained ? "generalist" : (experts[0]?.name ?? ""));
  const title = pool.find((expert) => expert.manifest.name === chosen)?.manifest.title ?? chosen;
  const reason = byHand
    ? `You chose ${title}.`
    : abstained
      ? "No specialist reached 0.45, so the generalist answers."
      : `${title} is the most likely for ${domain} (gate 0.93) and says that it can (0.95).`;
  const numbers = text.match(/\d+/g) ?? [];
  return {
    reading: {
      domain, confidence: domains[0]?.probability ?? 0, domains, complexity: 2.1, elapsed_ms: 0.3,
      features: { words: text.split(/\s+/).length, characters: text.length, numbers: numbers.length, longest_number_digits: Math.max(0, ...numbers.map((n) => n.length)), operators: (text.match(/[-+*/%]/g) ?? []).length, has_code: false, has_quotes: false },
    },
    plan: { domain, confidence: domains[0]?.probability ?? 0, complexity: 2.1, experts, chosen, abstained, by_hand: byHand !== null, min_confidence: 0.45, reason, elapsed_ms: 0.2 },
  };
}
