//! AdamW whose whole state is plain data, so that a resumed run continues bit for bit (candle's own keeps it private).
//! Source: Decoupled weight decay, arXiv:1711.05101.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var};

pub struct AdamW {
    pub beta1: f32,
    pub beta2: f32,
    pub eps: f32,
    /// On matrices only; norms are left alone.
    pub weight_decay: f32,
    /// The gradient of all weights together is scaled down to this length.
    pub clip: f32,
    /// Updates done.
    pub step: u64,
    /// First and second moment, one pair a weight tensor, in the model's order.
    pub moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl AdamW {
    pub fn new(vars: &[(String, &Var)]) -> AdamW {
        let moments = vars.iter().map(|(_, var)| (vec![0.0; var.elem_count()], vec![0.0; var.elem_count()])).collect();
        AdamW { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.05, clip: 1.0, step: 0, moments }
    }

    /// One update with learning rate `lr`. Returns the length of the gradient before clipping.
    pub fn update(&mut self, vars: &[(String, &Var)], grads: &GradStore, lr: f32) -> Result<f32> {
        let mut flat = Vec::with_capacity(vars.len());
        for (_, var) in vars {
            // An expert that no token of this batch was sent to has no gradient.
            flat.push(match grads.get(var) {
                Some(grad) => grad.flatten_all()?.to_vec1::<f32>()?,
                None => vec![0.0; var.elem_count()],
            });
        }
        let length = flat.iter().flatten().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt() as f32;
        let clip = if length > self.clip { self.clip / length } else { 1.0 };
        self.step += 1;
        let correct1 = 1.0 - self.beta1.powi(self.step as i32);
        let correct2 = 1.0 - self.beta2.powi(self.step as i32);
        for (((_, var), grad), (m, v)) in vars.iter().zip(&flat).zip(&mut self.moments) {
            let decay = if var.rank() > 1 { lr * self.weight_decay } else { 0.0 };
            let mut weights = var.flatten_all()?.to_vec1::<f32>()?;
            for (((w, g), m), v) in weights.iter_mut().zip(grad).zip(m.iter_mut()).zip(v.iter_mut()) {
                let g = g * clip;
                *m = self.beta1 * *m + (1.0 - self.beta1) * g;
                *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                let move_by = (*m / correct1) / ((*v / correct2).sqrt() + self.eps);
                *w -= lr * move_by + decay * *w;
            }
            var.set(&Tensor::from_vec(weights, var.shape(), &Device::Cpu)?)?;
        }
        Ok(length)
    }
}
