//! Code as a tree of named tokens. lowlight gives a tree, never HTML; the window draws it as spans.

import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

const lowlight = createLowlight({
  bash,
  c,
  cpp,
  css,
  go,
  java,
  javascript,
  json,
  python,
  rust,
  sql,
  typescript,
  xml,
  yaml,
});

/** Longer code is shown plain: colouring it anew for every streamed piece would cost more than it helps. */
const LONGEST = 20_000;

export type Token = { text: string; kind: string };

interface Node {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: Node[];
}

function walk(node: Node, kind: string, into: Token[]): void {
  if (node.type === "text" && node.value) into.push({ text: node.value, kind });
  const names = node.properties?.className;
  const name = Array.isArray(names) ? String(names[0]).replace(/^hljs-/, "") : kind;
  for (const child of node.children ?? []) walk(child, name, into);
}

/** Flat tokens whose texts joined are `text` again. Unknown languages are one plain token. */
export function tokens(text: string, language: string | null): Token[] {
  if (!language || text.length > LONGEST || !lowlight.registered(language)) return [{ text, kind: "" }];
  const into: Token[] = [];
  walk(lowlight.highlight(language, text) as Node, "", into);
  return into;
}
