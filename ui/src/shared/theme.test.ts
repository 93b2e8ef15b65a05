// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("./theme.css", import.meta.url), "utf8");

/** The colours of the blocks whose selector holds `selector`, by name. */
function colours(selector: string): Record<string, string> {
  const at = css.indexOf(`${selector} {`);
  expect(at, selector).toBeGreaterThanOrEqual(0);
  const block = css.slice(at, css.indexOf("}", at));
  return Object.fromEntries([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1], match[2]]));
}

/** Source: WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ["paper", "page", "raised", "sunken"];
const texts = ["ink", "quiet"];
const themes: [string, string][] = [
  ["light", ":root"],
  ["dark", ':root[data-theme="dark"]'],
];

describe.each(themes)("the %s theme", (_, selector) => {
  const colour = colours(selector);
  const ratio = (a: string, b: string) => contrast(colour[a]!, colour[b]!);

  it.each(texts.flatMap((text) => grounds.map((ground) => [text, ground] as const)))("%s reads on %s", (text, ground) => {
    expect(ratio(text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["brass", "page"],
    ["brass", "paper"],
    ["brass", "raised"],
    ["brass", "brass-wash"],
    ["on-brass", "brass"],
    ["alarm", "alarm-wash"],
    ["alarm", "raised"],
    ["alarm", "page"],
    ["ink", "alarm-wash"],
    ["good", "page"],
    ...["code-word", "code-text", "code-number", "code-name", "code-quiet", "ink"].map((text) => [text, "code-page"]),
  ] as [string, string][])("%s reads on %s", (text, ground) => expect(ratio(text, ground)).toBeGreaterThanOrEqual(4.5));

  // Edges of fields and buttons, and what is filled in a bar: 3 to 1 (WCAG 1.4.11).
  it.each([
    ["line-strong", "page"],
    ["line-strong", "raised"],
    ["brass", "sunken"],
    ["chart", "page"],
  ])("%s is seen on %s", (edge, ground) => expect(ratio(edge, ground)).toBeGreaterThanOrEqual(3));
});

it("chosen dark and the system's dark are the same colours", () => {
  expect(colours(':root[data-theme="dark"]')).toEqual(colours(':root:not([data-theme="light"])'));
});
