// @vitest-environment node
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MARK } from "./api/fake/index";

describe("what ships", () => {
  const folder = mkdtempSync(join(tmpdir(), "lectern-ui-"));
  let files: [string, string][] = [];

  beforeAll(async () => {
    const environment = process.env.NODE_ENV;
    process.env.NODE_ENV = "production";
    await build({ mode: "production", logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
    process.env.NODE_ENV = environment;
    files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, "utf8")]);
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  it("is one page whose scripts and styles are files of our own", () => {
    const page = files.find(([path]) => path.endsWith("index.html"))?.[1] ?? "";
    expect(page).toMatch(/<script type="module"[^>]* src="\/assets\/[^"]+\.js"><\/script>/);
    expect(page).toMatch(/<link rel="stylesheet"[^>]* href="\/assets\/[^"]+\.css">/);
    expect(page, "the content policy refuses inline scripts and styles").not.toMatch(/<script[^>]*>[^<]|<style|\sstyle=|\son\w+=/);
  });

  it("has nothing of the development double", () => {
    expect(files.length).toBeGreaterThan(2);
    for (const [path, text] of files) {
      expect(text.includes(MARK) || text.includes("Qwen3-4B"), path).toBe(false);
    }
  });

  it("names no remote host to load from", () => {
    for (const [path, text] of files) expect(text, path).not.toMatch(/url\(["']?https?:|@import\s+["']?http|src=["']https?:/);
  });
});
