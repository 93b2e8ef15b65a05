//! Scales of a chart. The window's prototypes are frozen, which d3-scale (by d3-color and d3-format) does not survive; the
//! steps are d3-array's.

/** Where a value of `domain` is on `range`, in pixels. */
export function linear([from, to]: [number, number], [start, end]: [number, number]): (value: number) => number {
  const each = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * each;
}
