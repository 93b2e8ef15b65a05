//! How sure a measured share is.

/** Wilson's 95 % interval of a share seen in `n` trials. Source: Wilson 1927, z = 1.959964. */
export function wilson(share: number, n: number): { low: number; high: number } {
  const z = 1.959964;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
