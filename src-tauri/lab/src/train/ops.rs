//! The fused operations of training, each with its own gradient.
//!
//! candle's fused norms, softmax and rope have no backward pass, and composing them from primitives costs several
//! passes over memory each. These are candle custom ops: one pass forward, one backward, and a test that compares
//! every gradient with finite differences. CPU, f32, contiguous.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Storage, Tensor, bail};

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("a training op needs contiguous input"),
    }
}

/// Runs `f` on the tensor's own memory, without a copy.
fn read<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(cpu) => f(slice(cpu, layout)?),
        _ => bail!("training runs on the CPU"),
    }
}

/// exp(x) to 2e-7 relative for x in [-87, 88], branchless so that it vectorises. Cephes' expf polynomial.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let magic = 12_582_912.0f32; // 1.5 * 2^23: adding it rounds to an integer
    let n = (x * std::f32::consts::LOG2_E + magic) - magic;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let e = p * r * r + r + 1.0;
    e * f32::from_bits((((n as i32) + 127) << 23) as u32)
}

/// `x / sqrt(mean(x²) + eps) · weight`. `x`: (tokens, width); `weight`: (width). Source: arXiv:1910.07467.
struct RmsNorm {
    eps: f32,
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (xs, ws) = (slice(x, lx)?, slice(w, lw)?);
        let mut out = vec![0f32; xs.len()];
        for (x, o) in xs.chunks_exact(ws.len()).zip(out.chunks_exact_mut(ws.len())) {
            let scale = (dot(x, x) / ws.len() as f32 + self.eps).sqrt().recip();
            for ((o, x), w) in o.iter_mut().zip(x).zip(ws) {
                *o = x * scale * w;
            }
        }
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        read(x, |xs| {
            read(w, |ws| {
                read(grad, |gs| {
                    let width = ws.len();
                    let mut dx = vec![0f32; xs.len()];
                    let mut dw = vec![0f32; width];
                    let mut gw = vec![0f32; width];
                    for ((x, g), dx) in
                        xs.chunks_exact(width).zip(gs.chunks_exact(width)).zip(dx.chunks_exact_mut(width))
                    {
                        let scale = (dot(x, x) / width as f32 + self.eps).sqrt().recip();
                        for (((gw, g), w), (dw, x)) in gw.iter_mut().zip(g).zip(ws).zip(dw.iter_mut().zip(x))
                        {
                            *gw = g * w;
                            *dw += g * x * scale;
                        }
                        let share = dot(&gw, x) * scale * scale * scale / width as f32;
                        for ((dx, gw), x) in dx.iter_mut().zip(&gw).zip(x) {
                            *dx = gw * scale - x * share;
                        }
                    }
                    Ok((
                        Some(Tensor::from_vec(dx, x.shape(), x.device())?),
                        Some(Tensor::from_vec(dw, w.shape(), w.device())?),
                    ))
                })
            })
        })
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let done = a.len() / 8 * 8;
    sums.iter().sum::<f32>() + a[done..].iter().zip(&b[done..]).map(|(a, b)| a * b).sum::<f32>()
}

/// `x`: (tokens, width), `weight`: (width).
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    x.apply_op2(weight, RmsNorm { eps })
}

/// (batch · time, heads · size) to (batch, heads, time, size), rotated by position when `rope_base` is given.
/// Pairs are (2i, 2i+1), the order of the GGUF `llama` architecture. Source: RoFormer, arXiv:2104.09864.
#[derive(Clone)]
struct Heads {
    batch: usize,
    time: usize,
    heads: usize,
    size: usize,
    rope_base: Option<f32>,
}

impl Heads {
    /// cos and sin per (position, pair).
    fn table(&self, base: f32) -> Vec<(f32, f32)> {
        let half = self.size / 2;
        let mut table = Vec::with_capacity(self.time * half);
        for t in 0..self.time {
            for i in 0..half {
                let angle = t as f32 * base.powf(-2.0 * i as f32 / self.size as f32);
                table.push((angle.cos(), angle.sin()));
            }
        }
        table
    }

    /// Moves every head's row between the two orders; `back` undoes both the move and the rotation.
    fn run(&self, from: &[f32], back: bool) -> Vec<f32> {
        let mut to = vec![0f32; from.len()];
        let table = self.rope_base.map(|base| self.table(base));
        let half = self.size / 2;
        for b in 0..self.batch {
            for t in 0..self.time {
                for h in 0..self.heads {
                    let flat = ((b * self.time + t) * self.heads + h) * self.size;
                    let split = ((b * self.heads + h) * self.time + t) * self.size;
                    let (source, target) = if back { (split, flat) } else { (flat, split) };
                    let source = &from[source..source + self.size];
                    let target = &mut to[target..target + self.size];
                    match &table {
                        None => target.copy_from_slice(source),
                        Some(table) => {
                            let row = &table[t * half..(t + 1) * half];
                            for ((target, source), (cos, sin)) in
                                target.chunks_exact_mut(2).zip(source.chunks_exact(2)).zip(row)
                            {
                                let sin = if back { -sin } else { *sin };
                                target[0] = source[0] * cos - source[1] * sin;
                                target[1] = source[0] * sin + source[1] * cos;
                            }
                        }
                    }
                }
            }
        }
        to
    }
}

impl CustomOp1 for Heads {
    fn name(&self) -> &'static str {
        "heads"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let out = self.run(slice(x, layout)?, false);
        Ok((CpuStorage::F32(out), Shape::from((self.batch, self.heads, self.time, self.size))))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        read(grad, |g| Ok(Some(Tensor::from_vec(self.run(g, true), x.shape(), x.device())?)))
    }
}

/// `x`: (batch · time, heads · size) to (batch, heads, time, size).
pub fn heads(x: &Tensor, batch: usize, heads: usize, rope_base: Option<f32>) -> Result<Tensor> {
    let (tokens, width) = x.dims2()?;
    x.apply_op1(Heads { batch, time: tokens / batch, heads, size: width / heads, rope_base })
}

/// Softmax over the last axis of `scale · scores`, position t seeing 0..=t. `scores`: (.., time, time).
struct CausalSoftmax {
    scale: f32,
    time: usize,
}

impl CustomOp1 for CausalSoftmax {
    fn name(&self) -> &'static str {
        "causal_softmax"
    }

    fn cpu_fwd(&self, s: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let scores = slice(s, layout)?;
        let mut out = vec![0f32; scores.len()];
        for (row, (s, o)) in scores.chunks_exact(self.time).zip(out.chunks_exact_mut(self.time)).enumerate() {
            let seen = row % self.time + 1;
            softmax_row(&s[..seen], &mut o[..seen], self.scale);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, s: &Tensor, p: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        read(p, |p| {
            read(grad, |g| {
                let mut ds = vec![0f32; p.len()];
                let rows = p.chunks_exact(self.time).zip(g.chunks_exact(self.time));
                for (row, ((p, g), d)) in rows.zip(ds.chunks_exact_mut(self.time)).enumerate() {
                    let seen = row % self.time + 1;
                    softmax_row_gradient(&p[..seen], &g[..seen], &mut d[..seen], self.scale);
                }
                Ok(Some(Tensor::from_vec(ds, s.shape(), s.device())?))
            })
        })
    }
}

fn softmax_row(s: &[f32], o: &mut [f32], scale: f32) {
    let top = s.iter().fold(f32::MIN, |top, s| if *s > top { *s } else { top });
    for (o, s) in o.iter_mut().zip(s) {
        *o = exp((s - top) * scale);
    }
    let total = o.iter().sum::<f32>().recip();
    o.iter_mut().for_each(|o| *o *= total);
}

fn softmax_row_gradient(p: &[f32], g: &[f32], d: &mut [f32], scale: f32) {
    let mean = dot(p, g);
    for ((d, p), g) in d.iter_mut().zip(p).zip(g) {
        *d = p * (g - mean) * scale;
    }
}

/// `scores`: (.., time, time), `scale` is applied inside.
pub fn causal_softmax(scores: &Tensor, scale: f32) -> Result<Tensor> {
    scores.apply_op1(CausalSoftmax { scale, time: scores.dim(D::Minus1)? })
}

/// Softmax over the last axis.
struct Softmax;

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, s: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let scores = slice(s, layout)?;
        let width = layout.shape().dims().last().copied().unwrap_or(1);
        let mut out = vec![0f32; scores.len()];
        for (s, o) in scores.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            softmax_row(s, o, 1.0);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, s: &Tensor, p: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let width = s.dim(D::Minus1)?;
        read(p, |p| {
            read(grad, |g| {
                let mut ds = vec![0f32; p.len()];
                for ((p, g), d) in
                    p.chunks_exact(width).zip(g.chunks_exact(width)).zip(ds.chunks_exact_mut(width))
                {
                    softmax_row_gradient(p, g, d, 1.0);
                }
                Ok(Some(Tensor::from_vec(ds, s.shape(), s.device())?))
            })
        })
    }
}

/// Softmax over the last axis.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Softmax)
}

/// `silu(gate) · up`. Source: GLU variants, arXiv:2002.05202.
struct SwiGlu;

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(
        &self,
        g: &CpuStorage,
        lg: &Layout,
        u: &CpuStorage,
        lu: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let out = slice(g, lg)?.iter().zip(slice(u, lu)?).map(|(g, u)| g / (1.0 + exp(-g)) * u).collect();
        Ok((CpuStorage::F32(out), lg.shape().clone()))
    }

    fn bwd(
        &self,
        g: &Tensor,
        u: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        read(g, |gs| {
            read(u, |us| {
                read(grad, |ds| {
                    let mut dg = vec![0f32; gs.len()];
                    let mut du = vec![0f32; gs.len()];
                    for (((g, u), d), (dg, du)) in
                        gs.iter().zip(us).zip(ds).zip(dg.iter_mut().zip(du.iter_mut()))
                    {
                        let sigmoid = 1.0 / (1.0 + exp(-g));
                        *du = d * g * sigmoid;
                        *dg = d * u * sigmoid * (1.0 + g * (1.0 - sigmoid));
                    }
                    Ok((
                        Some(Tensor::from_vec(dg, g.shape(), g.device())?),
                        Some(Tensor::from_vec(du, u.shape(), u.device())?),
                    ))
                })
            })
        })
    }
}

pub fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.apply_op2(up, SwiGlu)
}

/// Weighted mean of `-log softmax(logits)[target]`. `logits`: (tokens, vocabulary); a weight of 0 leaves a token out.
struct CrossEntropy {
    targets: Vec<u32>,
    weights: Vec<f32>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(&self, s: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let logits = slice(s, layout)?;
        let vocabulary = logits.len() / self.targets.len();
        let (mut loss, mut total) = (0f64, 0f64);
        for ((row, target), weight) in logits.chunks_exact(vocabulary).zip(&self.targets).zip(&self.weights) {
            if *weight > 0.0 {
                let top = row.iter().fold(f32::MIN, |top, s| if *s > top { *s } else { top });
                let sum: f32 = row.iter().map(|s| exp(s - top)).sum();
                loss += f64::from(*weight) * f64::from(sum.ln() + top - row[*target as usize]);
                total += f64::from(*weight);
            }
        }
        Ok((CpuStorage::F32(vec![(loss / total.max(1e-9)) as f32]), Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.to_scalar::<f32>()?;
        let total: f32 = self.weights.iter().sum::<f32>().max(1e-9);
        read(logits, |s| {
            let vocabulary = s.len() / self.targets.len();
            let mut out = vec![0f32; s.len()];
            let rows = s.chunks_exact(vocabulary).zip(out.chunks_exact_mut(vocabulary));
            for ((row, d), (target, weight)) in rows.zip(self.targets.iter().zip(&self.weights)) {
                if *weight > 0.0 {
                    softmax_row(row, d, 1.0);
                    d[*target as usize] -= 1.0;
                    let share = grad * weight / total;
                    d.iter_mut().for_each(|d| *d *= share);
                }
            }
            Ok(Some(Tensor::from_vec(out, logits.shape(), logits.device())?))
        })
    }
}

/// `logits`: (tokens, vocabulary); `targets`, `weights`: one a token. A scalar, in nats.
pub fn cross_entropy(logits: &Tensor, targets: Vec<u32>, weights: Vec<f32>) -> Result<Tensor> {
    logits.apply_op1(CrossEntropy { targets, weights })
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn var(shape: &[usize], seed: f32) -> Var {
        let n: usize = shape.iter().product();
        let data: Vec<f32> = (0..n).map(|i| ((i as f32 + 1.0) * 0.7 + seed).sin()).collect();
        Var::from_tensor(&Tensor::from_vec(data, shape, &Device::Cpu).unwrap()).unwrap()
    }

    /// Compares every gradient of `sum(f(vars) · fixed)` with central differences (step 1e-2, f32: error about 1e-3).
    fn check(vars: &[Var], f: impl Fn() -> Tensor) {
        let loss = || {
            let y = f();
            let mix = var(y.dims(), 3.0).as_tensor().detach();
            y.mul(&mix).unwrap().sum_all().unwrap()
        };
        let grads = loss().backward().unwrap();
        for var in vars {
            let analytic = grads.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let base = var.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for i in 0..base.len() {
                let at = |delta: f32| {
                    let mut moved = base.clone();
                    moved[i] += delta;
                    var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap()).unwrap();
                    loss().to_scalar::<f32>().unwrap()
                };
                let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
                assert!(
                    (numeric - analytic[i]).abs() < 5e-3,
                    "element {i}: {numeric} by differences, {} given",
                    analytic[i]
                );
            }
            var.set(&Tensor::from_vec(base, var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
    }

    #[test]
    fn every_gradient_agrees_with_finite_differences() {
        let (x, w) = (var(&[3, 8], 0.1), var(&[8], 0.5));
        check(&[x.clone(), w.clone()], || rms_norm(&x, &w, 1e-5).unwrap());
        let h = var(&[6, 8], 0.2);
        check(std::slice::from_ref(&h), || heads(&h, 2, 2, Some(100.0)).unwrap());
        let s = var(&[1, 2, 4, 4], 0.3);
        check(std::slice::from_ref(&s), || causal_softmax(&s, 0.5).unwrap());
        let p = var(&[3, 5], 0.4);
        check(std::slice::from_ref(&p), || softmax(&p).unwrap());
        let (g, u) = (var(&[4, 3], 0.5), var(&[4, 3], 0.9));
        check(&[g.clone(), u.clone()], || swiglu(&g, &u).unwrap());
        let l = var(&[3, 5], 0.6);
        check(std::slice::from_ref(&l), || cross_entropy(&l, vec![1, 4, 0], vec![1.0, 0.0, 0.5]).unwrap());
    }

    #[test]
    fn the_fast_exponential_agrees_with_the_standard_one() {
        for i in -800..=800 {
            let x = i as f32 * 0.1;
            let relative = (exp(x) - x.exp()).abs() / x.exp();
            assert!(relative < 1e-6, "exp({x}) is off by {relative}");
        }
    }
}
