import { expect, it } from "vitest";
import { marked } from "./marked";

const hits = (text: string, search: string) => marked(text, search).filter((piece) => piece.hit).map((piece) => piece.text);

it("keeps the text whole", () => {
  const text = "Refunds: 30 days, then 50 %. Größe der Rückgabe";
  for (const search of ["", "refund", "30 50", "größe"]) {
    expect(marked(text, search).map((piece) => piece.text).join("")).toBe(text);
  }
});

it("marks words, whatever their endings, and nothing inside of others", () => {
  expect(hits("Refunds are refunded; a fund is none", "refund")).toEqual(["Refunds", "refunded"]);
  expect(hits("A cat and a category", "cat")).toEqual(["cat"]);
  expect(hits("30 days, 300 days", "30")).toEqual(["30"]);
  expect(hits("Die Größe zählt", "GRÖSSE größe")).toEqual(["Größe"]);
  expect(hits("anything", "")).toEqual([]);
});
