import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Api, use } from "../api";
import type { Question, Shown } from "../api/bindings";
import { fake } from "../api/fake/index";
import { seeded } from "../api/fake/past";
import { Talk } from "./talk.svelte";

const auto = { mode: "optimized", expert: null } as const;
const sample = seeded()[0]!.answer;

/** An app whose answers end when the test says so. */
function scripted() {
  const asked: { question: Question; tell: (shown: Shown) => void; end: (stopped?: boolean) => void }[] = [];
  const api: Api = {
    ...fake(),
    stop: vi.fn(async () => undefined),
    forget: vi.fn(async () => undefined),
    rate: vi.fn(async () => undefined),
    ask: (question, on) =>
      new Promise((resolve) => {
        const id = `a${asked.length + 1}`;
        const end = (stopped = false) => {
          const answer = { ...sample, id, question: question.text, conversation: question.conversation ?? "c-new", stopped };
          on({ event: { kind: "done", answer }, blocks: [] });
          resolve();
        };
        asked.push({ question, tell: on, end });
      }),
  };
  use(api);
  return { api, asked };
}

const begun = (id: string): Shown => ({ event: { kind: "begun", id, conversation: "c-new" }, blocks: null });

describe("a conversation", () => {
  let app: ReturnType<typeof scripted>;
  let talk: Talk;
  let changed: () => void;

  beforeEach(() => {
    app = scripted();
    changed = vi.fn<() => void>();
    talk = new Talk(null, () => changed());
  });

  const outcomes = () => talk.turns.map((turn) => turn.outcome);

  it("asks the draft and empties it; a blank one is no question", () => {
    talk.draft = "   ";
    talk.send(auto);
    expect(app.asked).toHaveLength(0);
    talk.draft = " What is 384 + 97? ";
    talk.send({ mode: "fast", expert: "words" });
    expect(talk.draft).toBe("");
    expect(app.asked[0]?.question).toMatchObject({ text: "What is 384 + 97?", mode: "fast", expert: "words", conversation: null });
  });

  it("says how it is asked only where that is another way than one expert once", () => {
    talk.send({ ...auto, way: { aggregate: null, topK: null, strategy: null } }, "one");
    talk.stop();
    expect(Object.keys(app.asked[0]!.question)).not.toContain("aggregate");
    app.asked[0]?.end();
    talk = new Talk(null, () => changed());
    talk.send({ ...auto, way: { aggregate: "voting", topK: 3, strategy: "verify" } }, "two");
    expect(app.asked[1]?.question).toMatchObject({ aggregate: "voting", top_k: 3, strategy: "verify" });
  });

  it("asks one after the other, the second in the conversation that the first one began", async () => {
    talk.send(auto, "one");
    talk.send(auto, "two");
    expect(outcomes()).toEqual(["running", "queued"]);
    expect(app.asked).toHaveLength(1);
    app.asked[0]?.tell(begun("a1"));
    app.asked[0]?.end();
    await vi.waitFor(() => expect(outcomes()).toEqual(["done", "running"]));
    expect(app.asked[1]?.question.conversation).toBe("c-new");
  });

  it("stops what runs and takes back what waits", () => {
    expect(talk.stop()).toBe(false);
    talk.send(auto, "one");
    talk.send(auto, "two");
    app.asked[0]?.tell(begun("a1"));
    expect(talk.stop()).toBe(true);
    expect(app.api.stop).toHaveBeenCalledExactlyOnceWith("a1");
    expect(talk.turns).toHaveLength(1);
  });

  it("stops an answer that has no id yet as soon as it has one", () => {
    talk.send(auto, "one");
    talk.stop();
    expect(app.api.stop).not.toHaveBeenCalled();
    app.asked[0]?.tell(begun("a1"));
    expect(app.api.stop).toHaveBeenCalledExactlyOnceWith("a1");
  });

  async function answered() {
    talk.send(auto, "one");
    app.asked[0]?.tell(begun("a1"));
    app.asked[0]?.end();
    await vi.waitFor(() => expect(talk.running).toBeNull());
    return talk.turns[0]!;
  }

  it("answers again in the place of the old answer, without a source that was left out", async () => {
    const old = await answered();
    talk.again(old, auto, ["s1"]);
    expect(talk.turns).toHaveLength(1);
    expect(app.asked[1]?.question).toMatchObject({ text: "one", replaces: "a1", without: ["s1"] });
  });

  it("sends an edited question as a replacement", async () => {
    talk.edit(await answered());
    expect(talk.draft).toBe("one");
    talk.draft = "two";
    talk.send(auto);
    expect(app.asked[1]?.question).toMatchObject({ text: "two", replaces: "a1" });
    expect(talk.turns.map((turn) => turn.question)).toEqual(["two"]);
  });

  it("forgets a source everywhere it stands", async () => {
    const past = { id: "s1", question: "?", answer: "!", expert: "words", created: 0, score: 0.8, bm25: 3, rating: 0 };
    talk.send(auto, "one");
    app.asked[0]?.tell({ event: { kind: "retrieved", asked: true, passages: [past, { ...past, id: "s2" }], considered: 2, threshold: 0.3, elapsed_ms: 1 }, blocks: null });
    expect(await talk.forget("s1")).toBe(true);
    expect(app.api.forget).toHaveBeenCalledExactlyOnceWith("s1");
    expect(talk.turns[0]?.retrieve?.passages.map((passage) => passage.id)).toEqual(["s2"]);
  });

  it("keeps a source that could not be forgotten, and says why", async () => {
    const failure = { code: "archive.locked", message: "locked", fix: "wait", detail: null };
    app.api.forget = () => Promise.reject(failure);
    expect(await talk.forget("s1")).toBe(false);
    expect(talk.trouble).toEqual(failure);
  });

  it("takes a rating back when it is given twice", async () => {
    await talk.rate(await answered(), 1);
    expect(talk.turns[0]?.rating).toBe(1);
    await talk.rate(talk.turns[0]!, 1);
    expect(talk.turns[0]?.rating).toBe(0);
    expect(vi.mocked(app.api.rate).mock.calls).toEqual([["a1", 1], ["a1", 0]]);
  });

  it("shows an error that is no failure of the app as a failure, and goes on", async () => {
    app.api.ask = () => Promise.reject(new Error("the bridge is down"));
    talk.send(auto, "one");
    await vi.waitFor(() => expect(outcomes()).toEqual(["failed"]));
    expect(talk.turns[0]?.failure?.detail).toContain("the bridge is down");
  });

  it("takes an answer that ends without a last event as failed", async () => {
    app.api.ask = async () => undefined;
    talk.send(auto, "one");
    await vi.waitFor(() => expect(outcomes()).toEqual(["failed"]));
  });
});
