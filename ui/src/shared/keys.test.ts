import { expect, it } from "vitest";
import { commandOf, moveFocus } from "./keys";

const press = (key: string, held: KeyboardEventInit = { ctrlKey: true }) => new KeyboardEvent("keydown", { key, ...held });

it.each([
  ["n", "fresh"],
  ["K", "goTo"],
  ["f", "find"],
  [".", "expert"],
  [",", "settings"],
  ["/", "keys"],
  ["2", "experts"],
])("mod+%s is %s", (key, command) => expect(commandOf(press(key))).toBe(command));

it("leaves plain letters and other combinations alone", () => {
  expect(commandOf(press("n", {}))).toBeNull();
  expect(commandOf(press("n", { ctrlKey: true, shiftKey: true }))).toBeNull();
  expect(commandOf(press("n", { ctrlKey: true, altKey: true }))).toBeNull();
  expect(commandOf(press("/", { ctrlKey: true, shiftKey: true }))).toBe("keys");
  expect(commandOf(press("Escape", {}))).toBe("stop");
});

it("arrows go round a list", () => {
  const buttons = ["a", "b", "c"].map((name) => {
    const button = document.createElement("button");
    button.textContent = name;
    document.body.append(button);
    return button;
  });
  const at = (key: string) => {
    moveFocus(press(key, {}), buttons);
    return document.activeElement?.textContent;
  };
  buttons[0]?.focus();
  expect([at("ArrowDown"), at("ArrowDown"), at("ArrowDown"), at("ArrowUp"), at("Home"), at("End")]).toEqual(["b", "c", "a", "c", "a", "c"]);
});
