import { expect, test } from "vitest";
import type { Endpoint } from "../api/bindings";
import { leaves } from "./outside";

const at = (url: string): Endpoint => ({ url, model: "m", context: 8192, automatic: false });

test("people are told where a question goes, as the engine tells it", () => {
  expect(leaves(at("https://api.example.com:444/v1"))).toBe("leaves this machine: api.example.com:444");
  expect(leaves(at("http://localhost:11434/v1"))).toBe("leaves Lectern: another program of this machine, localhost:11434");
  expect(leaves(at("http://[::1]:8080/v1"))).toContain("another program of this machine");
  expect(leaves(at("https://127.0.0.1.evil.test/v1"))).toBe("leaves this machine: 127.0.0.1.evil.test");
});
