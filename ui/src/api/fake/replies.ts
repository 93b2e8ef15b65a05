//! Answers to look at: worked steps, code, a table, a list, a hostile one. Written as blocks; streaming cuts them off.

import type { Block, Inline } from "../bindings";

const text = (value: string): Inline => ({ kind: "text", text: value });
const paragraph = (...inlines: Inline[]): Block => ({ kind: "paragraph", inlines });

const code = 'def count_vowels(text):\n    """How many of the letters are vowels."""\n    vowels = "aeiou"\n    return sum(1 for letter in text.lower() if letter in vowels)\n';

const answers: [RegExp, Block[]][] = [
  [/python|function|vowel/i, [paragraph(text("This function walks the text once and counts:")), { kind: "code", language: "python", text: code }, paragraph(text("It runs in "), { kind: "code", text: "O(n)" }, text(" time."))]],
  [/table|compare/i, [paragraph(text("A few lengths side by side:")), { kind: "table", align: ["left", "right", "right"], head: [[text("Length")], [text("in cm")], [text("in inches")]], rows: [[[text("1 m")], [text("100")], [text("39.37")]], [[text("1 ft")], [text("30.48")], [text("12")]]] }, { kind: "quote", blocks: [paragraph(text("An inch is exactly 2.54 cm."))] }]],
  [/hostile|link/i, [paragraph(text("<script>alert(1)</script> stays text, and this "), { kind: "link", url: "javascript:alert(1)", inlines: [text("does nothing")] }, text(", while "), { kind: "link", url: "https://example.org/units?from=ft", inlines: [text("this one")] }, text(" asks first."))]],
  [/sort|words/i, [paragraph(text("In alphabetical order:")), { kind: "list", start: 1, items: [[paragraph(text("apple"))], [paragraph(text("fig"))], [paragraph(text("pear"))]] }]],
  [/convert|metre|°|hours/i, [paragraph(text("1 metre is 100 centimetres."), { kind: "break" }, text("3.5 × 100 = 350")), paragraph({ kind: "strong", inlines: [text("350 centimetres")] })]],
];

const steps: Block[] = [
  paragraph(text("Add the ones: 4 + 7 = 11, write 1, carry 1."), { kind: "break" }, text("Add the tens: 8 + 9 + 1 = 18, write 8, carry 1."), { kind: "break" }, text("Add the hundreds: 3 + 1 = 4.")),
  paragraph(text("The answer is "), { kind: "strong", inlines: [text("481")] }, text(".")),
];

const refusal: Block[] = [paragraph(text("This starter expert can't do that; download one that can."))];

/** Blocks cut after so many letters. */
function cut(blocks: Block[], letters: number): Block[] {
  let left = letters;
  const inlines = (list: Inline[]): Inline[] =>
    list.flatMap((inline): Inline[] => {
      if (left <= 0) return [];
      if ("inlines" in inline) return [{ ...inline, inlines: inlines(inline.inlines) }];
      if (inline.kind === "break") return [inline];
      const part = inline.text.slice(0, left);
      left -= inline.text.length;
      return [{ ...inline, text: part }];
    });
  return blocks.flatMap((block): Block[] => {
    if (left <= 0) return [];
    if (block.kind === "paragraph" || block.kind === "heading") return [{ ...block, inlines: inlines(block.inlines) }];
    if (block.kind === "code") {
      const part = block.text.slice(0, left);
      left -= block.text.length;
      return [{ ...block, text: part }];
    }
    left -= 20;
    return [block];
  });
}

export interface Reply {
  pieces: string[];
  refused: boolean;
  blocks: (soFar: string) => Block[];
}

export function blocksFor(question: string): Block[] {
  return answers.find(([pattern]) => pattern.test(question))?.[1] ?? steps;
}

export function plainOf(blocks: Block[]): string {
  const line = (list: Inline[]): string => list.map((inline) => ("inlines" in inline ? line(inline.inlines) : inline.kind === "break" ? "\n" : inline.text)).join("");
  return blocks.map((block) => ("inlines" in block ? line(block.inlines) : block.kind === "code" ? block.text : "…")).join("\n\n");
}

export function reply(question: string, refused: boolean): Reply {
  const blocks = refused || /poem|weather|president/i.test(question) ? refusal : blocksFor(question);
  const plain = plainOf(blocks);
  return { pieces: plain.match(/.{1,4}/gs) ?? [], refused: blocks === refusal, blocks: (soFar) => (soFar.length >= plain.length ? blocks : cut(blocks, soFar.length)) };
}
