//! How the numbers of a tensor are stored.

/// A storage type of GGUF, by its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q8_1,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    Q8K,
    IQ4_NL,
    IQ4_XS,
    MXFP4,
    /// A type that is known by size and name and that nothing here computes with.
    Other(u32),
}

/// (number in the file, type, name, values per block, bytes per block). Source: ggml's type traits.
const TYPES: &[(u32, Dtype, &str, u64, u64)] = &[
    (0, Dtype::F32, "F32", 1, 4),
    (1, Dtype::F16, "F16", 1, 2),
    (2, Dtype::Q4_0, "Q4_0", 32, 18),
    (3, Dtype::Q4_1, "Q4_1", 32, 20),
    (6, Dtype::Q5_0, "Q5_0", 32, 22),
    (7, Dtype::Q5_1, "Q5_1", 32, 24),
    (8, Dtype::Q8_0, "Q8_0", 32, 34),
    (9, Dtype::Q8_1, "Q8_1", 32, 36),
    (10, Dtype::Q2K, "Q2_K", 256, 84),
    (11, Dtype::Q3K, "Q3_K", 256, 110),
    (12, Dtype::Q4K, "Q4_K", 256, 144),
    (13, Dtype::Q5K, "Q5_K", 256, 176),
    (14, Dtype::Q6K, "Q6_K", 256, 210),
    (15, Dtype::Q8K, "Q8_K", 256, 292),
    (16, Dtype::Other(16), "IQ2_XXS", 256, 66),
    (17, Dtype::Other(17), "IQ2_XS", 256, 74),
    (18, Dtype::Other(18), "IQ3_XXS", 256, 98),
    (19, Dtype::Other(19), "IQ1_S", 256, 50),
    (20, Dtype::IQ4_NL, "IQ4_NL", 32, 18),
    (21, Dtype::Other(21), "IQ3_S", 256, 110),
    (22, Dtype::Other(22), "IQ2_S", 256, 82),
    (23, Dtype::IQ4_XS, "IQ4_XS", 256, 136),
    (24, Dtype::Other(24), "I8", 1, 1),
    (25, Dtype::Other(25), "I16", 1, 2),
    (26, Dtype::Other(26), "I32", 1, 4),
    (27, Dtype::Other(27), "I64", 1, 8),
    (28, Dtype::Other(28), "F64", 1, 8),
    (29, Dtype::Other(29), "IQ1_M", 256, 56),
    (30, Dtype::BF16, "BF16", 1, 2),
    (34, Dtype::Other(34), "TQ1_0", 256, 54),
    (35, Dtype::Other(35), "TQ2_0", 256, 66),
    (39, Dtype::MXFP4, "MXFP4", 32, 17),
];

impl Dtype {
    /// The type with this number, `None` when nobody knows its size.
    pub fn from_number(number: u32) -> Option<Dtype> {
        TYPES.iter().find(|row| row.0 == number).map(|row| row.1)
    }

    fn row(self) -> &'static (u32, Dtype, &'static str, u64, u64) {
        TYPES.iter().find(|row| row.1 == self).expect("every Dtype is built from the table")
    }

    pub fn number(self) -> u32 {
        match self {
            Dtype::Other(number) => number,
            known => known.row().0,
        }
    }

    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Values that share one block.
    pub fn block_values(self) -> u64 {
        self.row().3
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> u64 {
        self.row().4
    }

    /// Bytes of `values` numbers, `None` when they do not fill whole blocks or the size wraps.
    pub fn bytes_of(self, values: u64) -> Option<u64> {
        if !values.is_multiple_of(self.block_values()) {
            return None;
        }
        (values / self.block_values()).checked_mul(self.block_bytes())
    }

    /// The decoder can compute with it. Q8_1 and Q8_K are intermediate forms that no model file stores.
    pub fn computable(self) -> bool {
        !matches!(self, Dtype::Other(_) | Dtype::Q8_1 | Dtype::Q8K)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_survives_its_number() {
        for row in TYPES {
            assert_eq!(Dtype::from_number(row.0), Some(row.1));
            assert_eq!(row.1.number(), row.0);
            assert_eq!(row.1.name(), row.2);
        }
    }

    #[test]
    fn half_a_block_has_no_size() {
        assert_eq!(Dtype::Q4K.bytes_of(128), None);
        assert_eq!(Dtype::Q4K.bytes_of(512), Some(288));
        assert_eq!(Dtype::F32.bytes_of(u64::MAX), None);
    }
}
