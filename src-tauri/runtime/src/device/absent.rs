//! A program without a device: none can be opened, so nothing of this is ever there.

use std::io::{self, Read};

use super::DeviceError;
use crate::cache::KvType;
use crate::families::{ForwardError, FromWeights, Parts, Pass, Shape, Stretch, Text};

#[derive(Clone)]
pub enum Device {}

impl Device {
    pub fn open() -> Result<Device, String> {
        Err("this program computes on the processor alone".into())
    }

    pub fn name(&self) -> &str {
        match *self {}
    }

    pub fn free_bytes(&self) -> Option<u64> {
        match *self {}
    }
}

pub enum Upper {}

impl Upper {
    pub(crate) fn load(
        _: &Shape,
        _: Parts<FromWeights<'_>>,
        _: usize,
        device: &Device,
    ) -> Result<Upper, DeviceError> {
        match *device {}
    }

    pub fn lowest(&self) -> usize {
        match *self {}
    }

    pub fn device(&self) -> &Device {
        match *self {}
    }

    pub fn cache(&self, _: &Shape) -> Vec<[Rows; 2]> {
        match *self {}
    }

    pub(crate) fn forward(
        &self,
        _: &Shape,
        _: Vec<f32>,
        _: &[Stretch],
        _: &mut [Text<'_>],
        _: &mut Pass<'_>,
    ) -> Result<Vec<f32>, ForwardError> {
        match *self {}
    }
}

pub enum Rows {}

impl Rows {
    pub fn width(&self) -> usize {
        match *self {}
    }

    pub fn kind(&self) -> KvType {
        match *self {}
    }

    pub fn positions(&self) -> usize {
        match *self {}
    }

    pub fn truncate(&mut self, _: usize) {
        match *self {}
    }

    pub fn reserve(&mut self, _: usize) -> Result<(), u64> {
        match *self {}
    }

    pub fn stored(&self) -> io::Result<Vec<u8>> {
        match *self {}
    }

    pub fn restore(&mut self, _: usize, _: &mut dyn Read) -> io::Result<()> {
        match *self {}
    }
}
