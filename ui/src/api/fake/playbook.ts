//! A playbook and abilities to look at. Their figures are made up; the app has counted ones.

import type { Api } from "../api";
import type { Abilities, Bullet, Edited, WholePlaybook } from "../bindings";
import { failure } from "./pause";

export type PlaybookApi = Pick<Api, "playbook" | "addBullet" | "editBullet" | "mergeBullets" | "retireBullet" | "undoBullet" | "reflect" | "abilities">;

const DAY = 86_400_000;
const LEAST = 20;

function bullet(id: number, domain: string, text: string, part: Partial<Bullet> = {}): Bullet {
  return { id, kind: "bullet", domain, title: "", applies: "", text, origin: "user", good: null, created: Date.now() - id * DAY, retired: null, merged_into: null, uses: 0, helpful: 0, harmful: 0, last_used: null, sources: [], doubt: null, ...part };
}

function seeded(scene: string): Bullet[] {
  if (scene === "first" || scene === "none") return [];
  const used = (uses: number, helpful: number, harmful: number): Partial<Bullet> => ({ uses, helpful, harmful, last_used: Date.now() - DAY });
  const all = [
    bullet(1, "any", "Answer in one short line unless I ask for more.", used(41, 11, 2)),
    bullet(2, "mathematics", "Write the steps before the result.", { origin: "reflector", sources: ["seen-1", "seen-2"], ...used(18, 9, 1) }),
    bullet(3, "units", "Give the result with its unit (km).", { origin: "reflector", sources: ["seen-3"], ...used(12, 0, 0) }),
    bullet(4, "units", "Round lengths to whole centimetres, whatever the question says, and name the country whose feet and inches are meant.", { origin: "pack", ...used(9, 1, 8), doubt: "8 of the 9 answers with it that were judged were wrong: it may be better without." }),
    bullet(5, "mathematics", "", { kind: "trajectory", origin: "reflector", title: "What is … + …?", applies: "What is 384 + 97?", text: "384 + 97 = 384 + 100 - 3\n484 - 3 = 481", good: true, ...used(3, 1, 0) }),
    bullet(6, "units", "", { kind: "trajectory", origin: "reflector", title: "How many km are … m?", applies: "How many km are 5300 m?", text: "5.3", good: false }),
  ];
  if (scene === "many") for (let n = 0; n < 40; n += 1) all.push(bullet(100 + n, "words", `Rule ${n} of a long playbook: say what kind of word it is before its plural.`));
  return all;
}

function abilities(scene: string): Abilities {
  const none: Abilities = { answers: 0, least: LEAST, experts: [], clusters: [], reliability: [], calibration_error: null, brier: null, brier_of_the_share: null };
  if (scene === "first" || scene === "none") return none;
  const able = (expert: string, domain: string, right: number, n: number, ability: number | null) => ({ expert, domain, right, n, ability, error: ability === null ? null : 1.6 / Math.sqrt(n) });
  const cluster = (domain: string, from: number, right: number, n: number, b: number | null) => ({ domain, from, to: from + 2, right, n, difficulty: b, difficulty_error: b === null ? null : 0.31, discrimination: b === null ? null : 1.12, discrimination_error: b === null ? null : 0.27 });
  return {
    answers: scene === "early" ? 11 : 214,
    least: LEAST,
    experts: scene === "early" ? [able("arithmetic", "mathematics", 9, 11, null)] : [able("arithmetic", "mathematics", 88, 96, 1.04), able("generalist", "mathematics", 21, 41, -0.62), able("units", "units", 52, 64, 0.48), able("generalist", "units", 4, 13, null)],
    clusters: scene === "early" ? [cluster("mathematics", 0, 9, 11, null)] : [cluster("mathematics", 0, 70, 79, -1.31), cluster("mathematics", 2, 39, 58, 0.12), cluster("units", 2, 56, 77, -0.4)],
    reliability: scene === "early" ? [] : [{ from: 0.4, to: 0.5, n: 38, foretold: 0.46, right: 0.47 }, { from: 0.7, to: 0.8, n: 71, foretold: 0.76, right: 0.79 }, { from: 0.9, to: 1, n: 105, foretold: 0.93, right: 0.91 }],
    calibration_error: scene === "early" ? null : 0.021,
    brier: scene === "early" ? null : 0.142,
    brier_of_the_share: scene === "early" ? null : 0.171,
  };
}

export function playbook(scene: string, guard: <T>(result: () => T) => Promise<T>): PlaybookApi {
  let bullets = seeded(scene);
  let log: { edited: Edited; before: Bullet | null }[] = [];
  let made = bullets.length;

  function note(edit: Edited["edit"], before: Bullet | null, now: Bullet) {
    made += 1;
    log = [{ edited: { number: made, bullet: now.id, edit, before: before?.text ?? null, now: now.text, created: Date.now(), undone: false }, before }, ...log];
  }

  function change(id: number, edit: Edited["edit"], part: Partial<Bullet>) {
    const before = bullets.find((one) => one.id === id);
    if (!before) throw failure("playbook.unknown", `there is no rule ${id}`, "`lectern playbook list` shows those that there are.", "");
    const now = { ...before, ...part };
    bullets = bullets.map((one) => (one.id === id ? now : one));
    note(edit, before, now);
  }

  const whole = (): WholePlaybook => ({ bullets, log: log.map((one) => one.edited), domains: ["mathematics", "units", "words", "code"], pairs: scene === "first" ? 0 : 2 });

  return {
    playbook: () => guard(whole),
    addBullet: (domain, text) =>
      guard(() => {
        made += 1;
        const now = bullet(made + 200, domain, text.trim(), { created: Date.now() });
        bullets = [...bullets, now];
        note("add", null, now);
        return { id: now.id, merged_into: null };
      }),
    editBullet: (id, { text, domain }) => guard(() => change(id, "edit", { ...(text === null ? {} : { text }), ...(domain === null ? {} : { domain }) })),
    mergeBullets: (id, into) => guard(() => change(id, "merge", { merged_into: into })),
    retireBullet: (id) => guard(() => change(id, "retire", { retired: Date.now() })),
    undoBullet: (number) =>
      guard(() => {
        const found = log.find((one) => one.edited.number === number);
        if (!found) return;
        const { before, edited } = found;
        bullets = before === null ? bullets.filter((one) => one.id !== edited.bullet) : bullets.map((one) => (one.id === edited.bullet ? before : one));
        log = before === null ? log.filter((one) => one !== found) : log.map((one) => (one === found ? { ...one, edited: { ...edited, undone: true } } : one));
      }),
    reflect: () =>
      guard(() => {
        throw failure("playbook.no_reader", "No expert in the pool reads instructions.", "Add an expert that follows instructions; the experts page has some. Without one, rules come from comparing the two answers alone.", "");
      }),
    abilities: () => guard(() => abilities(scene)),
  };
}
