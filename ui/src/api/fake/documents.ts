//! Documents of the double: a few files, read at a pace that can be watched.

import type { Api } from "../api";
import type { AddedDocuments, Document, DocumentPlace, NotAdded, Passage } from "../bindings";
import { failure, pause } from "./pause";

const KINDS = "Text, Markdown, HTML, PDF, .docx and program text can be read; save it as one of these.";
const TEXTS: [string, string, string][] = [
  ["/home/ada/contracts/lease-2025.pdf", "p. 3", "The deposit amounts to three monthly rents and is to be paid back within 30 days after the flat has been handed over, less what the landlord proves to be damaged."],
  ["/home/ada/contracts/lease-2025.pdf", "p. 4", "Pets that are usually kept in cages or tanks need no permission. Dogs and cats need it in writing; it may be refused for a reason alone."],
  ["/home/ada/notes/bread.md", "Sourdough › Feeding", "Feed the starter with equal parts of flour and water twice a day. At 24 °C it doubles in about five hours; the loaf rises overnight in the fridge."],
  ["/home/ada/notes/a very long name of a file that somebody gave to the minutes of the meeting of the tenants' association in the spring of 2025.docx", "Decisions", "The roof is repaired before the winter. The costs are shared by the area of the flats."],
];

const name = (path: string) => path.split("/").at(-1) ?? path;

export type Documents = Pick<Api, "documents" | "addDocuments" | "stopReading" | "refreshDocuments" | "removeDocuments" | "searchDocuments" | "documentPassages" | "pickDocuments">;

export function documents(scene: string, pace: number, guard: <T>(result: () => T) => Promise<T>): Documents {
  let made = 0;
  let stopped = false;
  let all: Document[] = [];
  const passages: Passage[] = [];
  function read(path: string, pieces: [string, string][]): Document {
    made += 1;
    const id = `document-${made}`;
    for (const [place, text] of pieces) {
      const at: DocumentPlace = { id, name: name(path), path, heading: "", page: null, lines: null };
      passages.push({ id: `${id}-${place}`, question: `${name(path)}, ${place}`, answer: text, expert: "", created: Date.now(), rating: 0, score: 0.7, bm25: 6.1, document: at });
    }
    return { id, name: name(path), path, bytes: 18_400 * (made + 3) * made, passages: pieces.length, added: 1_763_000_000_000 + made * 86_400_000, missing: false, unread: null };
  }
  if (scene === "full" || scene === "many") {
    for (const path of new Set(TEXTS.map(([path]) => path))) {
      all.push(read(path, TEXTS.filter(([of]) => of === path).map(([, place, text]) => [place, text])));
    }
    all = all.map((document, at) => (at === 1 ? { ...document, missing: true } : at === 2 ? { ...document, unread: `${document.path}: it holds no text` } : document));
    if (scene === "many") for (let n = 0; n < 240; n += 1) all.push(read(`/home/ada/papers/paper-${n}.pdf`, [["p. 1", `Paper ${n} is about the deposit of sand in rivers.`]]));
  }
  const sorted = () => all.toSorted((a, b) => a.name.localeCompare(b.name));

  return {
    documents: () => guard(sorted),
    async addDocuments(paths, on) {
      stopped = false;
      const done: AddedDocuments = { added: [], unchanged: [], failed: [] };
      const files = paths.flatMap((path) => (/\.[a-z0-9]+$/i.test(path) ? [path] : [`${path}/first.md`, `${path}/second.txt`, `${path}/scan.pdf`]));
      for (const [at, path] of files.entries()) {
        if (stopped) break;
        on({ done: at, of: files.length, path });
        await pause(400 * pace);
        const failed = (code: string, what: string, fix: string): NotAdded => ({ path, failure: { code, message: `${path}: ${what}`, fix, detail: null } });
        const known = all.find((document) => document.path === path);
        if (known) done.unchanged.push(known);
        else if (path.endsWith("scan.pdf")) done.failed.push(failed("documents.scanned", "its pages are pictures without text", "Lectern does not read pictures: run text recognition (OCR) over it first."));
        else if (!/\.(md|txt|pdf|docx|html)$/i.test(path)) done.failed.push(failed("documents.kind", "not a kind of file that can be read", KINDS));
        else done.added.push(read(path, [["l. 1–4", `What stands in ${name(path)}.`]]));
      }
      all = [...all, ...done.added];
      return guard(() => done);
    },
    async stopReading() {
      stopped = true;
      return true;
    },
    refreshDocuments: () => guard(() => ({ added: [], unchanged: [], failed: [] })),
    removeDocuments: (id) =>
      guard(() => {
        const gone = all.filter((document) => id === null || document.id === id);
        all = all.filter((document) => !gone.includes(document));
        return gone;
      }),
    searchDocuments: (text) =>
      guard(() => {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        const here = new Set(all.map((document) => document.id));
        const found = passages.filter((one) => here.has(one.document?.id ?? "") && words.some((word) => one.answer.toLowerCase().includes(word)));
        return { passages: found.slice(0, 30), considered: found.length, elapsed_ms: 1.2 };
      }),
    documentPassages: (id) =>
      guard(() => {
        const own = passages.filter((one) => one.document?.id === id);
        if (own.length === 0) throw failure("documents.unknown", `there is no document ${id}`, "`lectern documents list` shows those that are there.", "");
        return own;
      }),
    pickDocuments: async () => ["/home/ada/notes/garden.md", "/home/ada/pictures/holiday.raw"],
  };
}
