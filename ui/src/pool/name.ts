//! A first proposal for the name of an expert, from its file.

/** The end of a name that says how many bits a weight has: other files of the same model have others. */
const QUANTISATION = /[-. ]((iq|tq|q)[1-68]_\w+|b?f16|f32|fp16|fp32|mxfp4)$/;

/** Lowercase letters, digits and dashes, at most 40 of them, as the pool wants names. */
export function nameFrom(path: string): string {
  const file = path.split(/[/\\]/).at(-1) ?? "";
  return file
    .replace(/\.gguf$/i, "")
    .toLowerCase()
    .replace(QUANTISATION, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
}
