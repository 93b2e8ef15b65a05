//! The layers of a model that are on a device, and the pass through them. What it computes is said in
//! `families::decoder`.

use std::sync::atomic::Ordering;

use candle_core::{Result, Tensor};

use super::attend::{Angles, Heads, Place, View};
use super::feed::Feed;
use super::weights::{Linear, Norm, Weighed};
use super::{Device, DeviceError, Rows};
use crate::blocks::Watch;
use crate::families::{ForwardError, LayerParts, Parts, Pass, Shape, Stretch, Text, Want};

/// The layers from `lowest` on, and what makes logits.
pub struct Upper {
    device: Device,
    lowest: usize,
    layers: Vec<Layer>,
    norm: Norm,
    output: Linear,
}

struct Layer {
    before_attention: Option<Norm>,
    heads: Heads,
    output: Linear,
    after_attention: Option<Norm>,
    before_feed: Option<Norm>,
    feed: Feed,
    after_feed: Option<Norm>,
}

/// How a text is turned and what of it is seen, in the layers that see all and in those that see a window.
struct Sight {
    angles: Angles,
    local_angles: Option<Angles>,
    view: View,
    local_view: Option<View>,
}

impl Upper {
    pub(crate) fn load(
        shape: &Shape,
        parts: Parts<Weighed<'_>>,
        lowest: usize,
        device: &Device,
    ) -> std::result::Result<Upper, DeviceError> {
        let layers = parts.layers.into_iter().skip(lowest);
        Ok(Upper {
            lowest,
            layers: layers.map(|layer| Layer::load(shape, layer, device)).collect::<Result<_>>()?,
            norm: Norm::load(shape, parts.norm, shape.width, device)?,
            output: Linear::plain(parts.output.as_ref().unwrap_or(&parts.embedding), device)?,
            device: device.clone(),
        })
    }

    pub fn lowest(&self) -> usize {
        self.lowest
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// An empty cache for its layers: keys and values of each.
    pub fn cache(&self, shape: &Shape) -> Vec<[Rows; 2]> {
        let rows =
            |width: usize| Rows::new(&self.device, shape.kv_type, shape.kv_heads, width / shape.kv_heads);
        let (keys, values) = shape.cache_widths();
        self.layers.iter().map(|_| [rows(keys), rows(values)]).collect()
    }

    /// Logits from `x` (tokens, width), what the layers below gave for all tokens of the pass.
    pub(crate) fn forward(
        &self,
        shape: &Shape,
        x: Vec<f32>,
        stretches: &[Stretch],
        texts: &mut [Text<'_>],
        pass: &mut Pass<'_>,
    ) -> std::result::Result<Vec<f32>, ForwardError> {
        let x = Tensor::from_vec(
            x,
            (stretches.last().map_or(0, |last| last.rows.end), shape.width),
            &self.device.candle,
        );
        let mut x = x.map_err(DeviceError::from)?;
        let sights = stretches.iter().map(|stretch| self.sight(shape, stretch)).collect::<Result<Vec<_>>>();
        let sights = sights.map_err(DeviceError::from)?;
        for (number, layer) in (self.lowest..).zip(&self.layers) {
            let places =
                stretches.iter().zip(&sights).zip(texts.iter_mut()).map(|((stretch, sight), text)| {
                    let local = shape.local[number];
                    let angles = sight.local_angles.as_ref().filter(|_| local).unwrap_or(&sight.angles);
                    Place {
                        shape,
                        rows: stretch.rows.clone(),
                        first: stretch.first,
                        angles: Some(angles).filter(|_| shape.turned[number]),
                        view: sight.local_view.as_ref().filter(|_| local).unwrap_or(&sight.view),
                        cache: text.cache.upper_mut(number - self.lowest),
                    }
                });
            let excluded = pass.excluded.get(number).map_or(&[][..], Vec::as_slice);
            let watch = Watch { layer: number, observer: &mut pass.observer, excluded };
            x = layer.apply(shape, x, places.collect(), watch).map_err(DeviceError::from)?;
            if pass.stop.load(Ordering::Relaxed) {
                return Err(ForwardError::Stopped);
            }
        }
        Ok(self.logits(&x, stretches, pass.want).map_err(DeviceError::from)?)
    }

    fn sight(&self, shape: &Shape, stretch: &Stretch) -> Result<Sight> {
        let angles = |turn| Angles::new(turn, &self.device);
        let view = |window| View::new(stretch.first, stretch.rows.len(), window, &self.device);
        Ok(Sight {
            angles: angles(&stretch.turn)?,
            local_angles: stretch.local_turn.as_ref().map(angles).transpose()?,
            view: view(None)?,
            local_view: shape.window.map(|window| view(Some(window))).transpose()?,
        })
    }

    fn logits(&self, x: &Tensor, stretches: &[Stretch], want: Want) -> Result<Vec<f32>> {
        let wanted = match want {
            Want::None => return Ok(Vec::new()),
            Want::Last => {
                let last = stretches.iter().map(|stretch| x.narrow(0, stretch.rows.end - 1, 1));
                Tensor::cat(&last.collect::<Result<Vec<_>>>()?, 0)?
            }
            Want::All => x.clone(),
        };
        self.output.apply(&self.norm.apply(&wanted)?)?.flatten_all()?.to_vec1()
    }
}

impl Layer {
    fn load(shape: &Shape, parts: LayerParts<Weighed<'_>>, device: &Device) -> Result<Layer> {
        let wide =
            |parts: Option<_>| parts.map(|parts| Norm::load(shape, parts, shape.width, device)).transpose();
        Ok(Layer {
            before_attention: wide(parts.before_attention)?,
            heads: Heads::load(shape, parts.attention, device)?,
            output: Linear::load(parts.output, device)?,
            after_attention: wide(parts.after_attention)?,
            before_feed: wide(parts.before_feed)?,
            feed: Feed::load(shape, parts.feed, device)?,
            after_feed: wide(parts.after_feed)?,
        })
    }

    /// `x`: (tokens, width), the running sum that every layer adds to.
    fn apply(
        &self,
        shape: &Shape,
        x: Tensor,
        places: Vec<Place<'_>>,
        watch: Watch<'_, '_>,
    ) -> Result<Tensor> {
        let through = |norm: &Option<Norm>, x: &Tensor| norm.as_ref().map(|norm| norm.apply(x)).transpose();
        let add = |x: &Tensor, change: Tensor, norm: &Option<Norm>| {
            let change = through(norm, &change)?.unwrap_or(change);
            let scale = f64::from(shape.residual_scale);
            x + if scale == 1.0 { change } else { (change * scale)? }
        };
        let normed = through(&self.before_attention, &x)?;
        let attended = self.heads.apply(normed.as_ref().unwrap_or(&x), shape, places)?;
        let x = add(&x, self.output.apply(&attended)?, &self.after_attention)?;
        // Without a norm of its own the feed-forward part reads what attention has read.
        let input = through(&self.before_feed, &x)?.or(normed);
        let change = self.feed.apply(input.as_ref().unwrap_or(&x), watch)?;
        add(&x, change, &self.after_feed)
    }
}
