import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";
import type { Block } from "../../api/bindings";
import Blocks from "./Blocks.svelte";
import { tokens } from "./highlight";
import { mayOpen } from "./links";

let drawn: ReturnType<typeof mount> | undefined;
let followed: string[] = [];

function draw(blocks: Block[]): HTMLElement {
  followed = [];
  const target = document.createElement("div");
  document.body.append(target);
  drawn = mount(Blocks, { target, props: { blocks, follow: (url: string) => followed.push(url) } });
  return target;
}

afterEach(async () => {
  if (drawn) await unmount(drawn);
  drawn = undefined;
  document.body.replaceChildren();
});

const text = (value: string): Block => ({ kind: "paragraph", inlines: [{ kind: "text", text: value }] });

describe("an answer's tree", () => {
  it("shows markup of an expert as text and runs nothing", () => {
    const hostile = `<script>document.title = "taken"</script><img src=x onerror="document.title='taken'">`;
    const page = draw([text(hostile), { kind: "code", language: "html", text: hostile }]);
    expect(page.querySelector("script, img, iframe, style")).toBeNull();
    expect(page.textContent).toContain(hostile);
    expect(document.title).not.toBe("taken");
  });

  it.each(["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "/relative", "//example.org", "blob:x", ""])(
    "a link to %j is plain text",
    (url) => {
      const page = draw([{ kind: "paragraph", inlines: [{ kind: "link", url, inlines: [{ kind: "text", text: "press me" }] }] }]);
      expect(mayOpen(url)).toBe(false);
      expect(page.querySelector("a, button, [role=link]")).toBeNull();
      expect(page.textContent).toContain("press me");
    },
  );

  it("a good link asks before it leads anywhere, and is no anchor", () => {
    const url = "https://example.org/units";
    const page = draw([{ kind: "paragraph", inlines: [{ kind: "link", url, inlines: [{ kind: "text", text: "units" }] }] }]);
    expect(page.querySelector("a")).toBeNull();
    page.querySelector<HTMLElement>("[role=link]")?.click();
    expect(followed).toEqual([url]);
  });

  it("draws lists, tables, quotes and code with what they hold", () => {
    const page = draw([
      { kind: "list", start: 3, items: [[text("three")], [text("four")]] },
      { kind: "table", align: ["left", "right"], head: [[{ kind: "text", text: "a" }], [{ kind: "text", text: "b" }]], rows: [[[{ kind: "text", text: "1" }], [{ kind: "strong", inlines: [{ kind: "text", text: "2" }] }]]] },
      { kind: "quote", blocks: [text("said")] },
      { kind: "code", language: "python", text: "def f():\n    return 1\n" },
      { kind: "rule" },
    ]);
    expect(page.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect([...page.querySelectorAll("li")].map((item) => item.textContent?.trim())).toEqual(["three", "four"]);
    expect(page.querySelectorAll("th")).toHaveLength(2);
    expect(page.querySelector("td.right strong")?.textContent).toBe("2");
    expect(page.querySelector("blockquote")?.textContent?.trim()).toBe("said");
    expect(page.querySelector("pre")?.textContent).toBe("def f():\n    return 1\n");
    expect(page.querySelector("pre .keyword")?.textContent).toBe("def");
    expect(page.querySelector("hr")).not.toBeNull();
  });
});

describe("coloured code", () => {
  it.each(["python", "rust", "json", "xml", "no-such-language", null])("loses no letter in %s", (language) => {
    const code = "def f(a):\n\treturn \"<b>é\" + '\\n' # <script>\n<a href=\"x\">&amp;</a>";
    expect(tokens(code, language).map((token) => token.text).join("")).toBe(code);
  });
});
