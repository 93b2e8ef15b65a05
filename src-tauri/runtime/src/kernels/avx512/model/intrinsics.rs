//! The instructions that the steps use, in plain code, one number after another. Source: the pseudo-code of Intel's
//! intrinsics guide, and for the conversion of 16-bit floats IEEE 754.

// Named as the machine's, which takes them all as unsafe.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

use bytemuck::cast;

#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct __m128i(pub [u8; 16]);
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub struct __m256i(pub [u8; 32]);
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct __m512i(pub [u8; 64]);
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct __m512(pub [f32; 16]);

pub const _MM_HINT_T0: i32 = 3;

/// A number of every lane from those of `a` and `b`.
fn lanes<T: bytemuck::Pod, const N: usize>(a: __m512i, b: __m512i, of: impl Fn(T, T) -> T) -> __m512i
where
    [T; N]: bytemuck::Pod,
{
    let (mut a, b): ([T; N], [T; N]) = (cast(a.0), cast(b.0));
    a.iter_mut().zip(b).for_each(|(a, b)| *a = of(*a, b));
    __m512i(cast(a))
}

/// A number of every lane from that of `a`.
fn each<T: bytemuck::Pod, const N: usize>(a: __m512i, of: impl Fn(T) -> T) -> __m512i
where
    [T; N]: bytemuck::Pod,
{
    lanes::<T, N>(a, a, |a, _| of(a))
}

/// Element `from` and the next one of `a` and `b` in turn, of every quarter of `IN_QUARTER` elements.
fn interleaved<T: bytemuck::Pod, const N: usize>(a: __m512i, b: __m512i, from: usize) -> __m512i
where
    [T; N]: bytemuck::Pod,
{
    let (a, b): ([T; N], [T; N]) = (cast(a.0), cast(b.0));
    let in_quarter = N / 4;
    __m512i(cast::<[T; N], _>(std::array::from_fn(|place| {
        let source = place / in_quarter * in_quarter + from + place % in_quarter / 2;
        if place % 2 == 0 { a[source] } else { b[source] }
    })))
}

pub unsafe fn _mm_prefetch<const HINT: i32>(_at: *const i8) {}

pub unsafe fn _mm_loadu_si128(at: *const __m128i) -> __m128i {
    unsafe { at.read_unaligned() }
}
pub unsafe fn _mm256_loadu_si256(at: *const __m256i) -> __m256i {
    unsafe { at.read_unaligned() }
}
pub unsafe fn _mm512_mask_storeu_ps(to: *mut f32, mask: u16, a: __m512) {
    (0..16).filter(|lane| mask >> lane & 1 == 1).for_each(|lane| unsafe { *to.add(lane) = a.0[lane] });
}
pub unsafe fn _mm_cvtsi32_si128(a: i32) -> __m128i {
    __m128i(cast([a, 0, 0, 0]))
}
pub unsafe fn _mm_setr_epi32(a: i32, b: i32, c: i32, d: i32) -> __m128i {
    __m128i(cast([a, b, c, d]))
}
pub unsafe fn _mm512_setzero_si512() -> __m512i {
    __m512i([0; 64])
}
pub unsafe fn _mm512_set1_epi8(a: i8) -> __m512i {
    __m512i(cast([a; 64]))
}
pub unsafe fn _mm512_set1_epi32(a: i32) -> __m512i {
    __m512i(cast([a; 16]))
}
pub unsafe fn _mm512_set1_ps(a: f32) -> __m512 {
    __m512([a; 16])
}
pub unsafe fn _mm512_castsi128_si512(a: __m128i) -> __m512i {
    // The upper bits are undefined: ones, so that nobody relies on zeros.
    let mut all = [0xff; 64];
    all[..16].copy_from_slice(&a.0);
    __m512i(all)
}
pub unsafe fn _mm512_castsi512_ps(a: __m512i) -> __m512 {
    __m512(cast(a.0))
}
pub unsafe fn _mm512_inserti32x4<const QUARTER: i32>(mut a: __m512i, b: __m128i) -> __m512i {
    a.0[16 * QUARTER as usize..][..16].copy_from_slice(&b.0);
    a
}
pub unsafe fn _mm512_broadcast_i32x4(a: __m128i) -> __m512i {
    __m512i(cast([a.0; 4]))
}

pub unsafe fn _mm512_unpacklo_epi32(a: __m512i, b: __m512i) -> __m512i {
    interleaved::<u32, 16>(a, b, 0)
}
pub unsafe fn _mm512_unpackhi_epi32(a: __m512i, b: __m512i) -> __m512i {
    interleaved::<u32, 16>(a, b, 2)
}
pub unsafe fn _mm512_unpacklo_epi64(a: __m512i, b: __m512i) -> __m512i {
    interleaved::<u64, 8>(a, b, 0)
}
pub unsafe fn _mm512_unpackhi_epi64(a: __m512i, b: __m512i) -> __m512i {
    interleaved::<u64, 8>(a, b, 1)
}
/// A byte whose highest bit is set gives 0; else its low four bits are a place in its own quarter.
pub unsafe fn _mm512_shuffle_epi8(a: __m512i, b: __m512i) -> __m512i {
    __m512i(std::array::from_fn(|place| match b.0[place] {
        128.. => 0,
        from => a.0[place / 16 * 16 + usize::from(from & 15)],
    }))
}

pub unsafe fn _mm512_and_si512(a: __m512i, b: __m512i) -> __m512i {
    lanes::<u64, 8>(a, b, |a, b| a & b)
}
pub unsafe fn _mm512_or_si512(a: __m512i, b: __m512i) -> __m512i {
    lanes::<u64, 8>(a, b, |a, b| a | b)
}
pub unsafe fn _mm512_add_epi8(a: __m512i, b: __m512i) -> __m512i {
    lanes::<u8, 64>(a, b, u8::wrapping_add)
}
pub unsafe fn _mm512_sub_epi32(a: __m512i, b: __m512i) -> __m512i {
    lanes::<u32, 16>(a, b, u32::wrapping_sub)
}

/// The low 64 bits count; a shift by all bits or more leaves none.
fn count_of(count: __m128i) -> u32 {
    let [low, _]: [u64; 2] = cast(count.0);
    u32::try_from(low).unwrap_or(u32::MAX)
}
pub unsafe fn _mm512_srl_epi16(a: __m512i, count: __m128i) -> __m512i {
    each::<u16, 32>(a, |a| a.checked_shr(count_of(count)).unwrap_or(0))
}
pub unsafe fn _mm512_sll_epi16(a: __m512i, count: __m128i) -> __m512i {
    each::<u16, 32>(a, |a| a.checked_shl(count_of(count)).unwrap_or(0))
}
pub unsafe fn _mm512_srl_epi32(a: __m512i, count: __m128i) -> __m512i {
    each::<u32, 16>(a, |a| a.checked_shr(count_of(count)).unwrap_or(0))
}
pub unsafe fn _mm512_sll_epi32(a: __m512i, count: __m128i) -> __m512i {
    each::<u32, 16>(a, |a| a.checked_shl(count_of(count)).unwrap_or(0))
}
pub unsafe fn _mm512_slli_epi32<const COUNT: u32>(a: __m512i) -> __m512i {
    each::<u32, 16>(a, |a| a.checked_shl(COUNT).unwrap_or(0))
}
/// The sign comes in from above, and is all that is left of a shift by all bits or more.
pub unsafe fn _mm512_srai_epi16<const COUNT: u32>(a: __m512i) -> __m512i {
    each::<i16, 32>(a, |a| a >> COUNT.min(15))
}
pub unsafe fn _mm512_srai_epi32<const COUNT: u32>(a: __m512i) -> __m512i {
    each::<i32, 16>(a, |a| a >> COUNT.min(31))
}
pub unsafe fn _mm512_mask_sllv_epi32(source: __m512i, mask: u16, a: __m512i, count: __m512i) -> __m512i {
    let shifted: [u32; 16] = cast(lanes::<u32, 16>(a, count, |a, count| a.checked_shl(count).unwrap_or(0)).0);
    let mut out: [u32; 16] = cast(source.0);
    (0..16).filter(|lane| mask >> lane & 1 == 1).for_each(|lane| out[lane] = shifted[lane]);
    __m512i(cast(out))
}

pub unsafe fn _mm512_cmplt_epi32_mask(a: __m512i, b: __m512i) -> u16 {
    let (a, b): ([i32; 16], [i32; 16]) = (cast(a.0), cast(b.0));
    (0..16).map(|lane| u16::from(a[lane] < b[lane]) << lane).sum()
}
pub unsafe fn _mm512_test_epi8_mask(a: __m512i, b: __m512i) -> u64 {
    (0..64).map(|lane| u64::from(a.0[lane] & b.0[lane] != 0) << lane).sum()
}
pub unsafe fn _mm512_maskz_mov_epi8(mask: u64, a: __m512i) -> __m512i {
    __m512i(std::array::from_fn(|lane| if mask >> lane & 1 == 1 { a.0[lane] } else { 0 }))
}

pub unsafe fn _mm512_cvtepu8_epi32(a: __m128i) -> __m512i {
    __m512i(cast(a.0.map(u32::from)))
}
pub unsafe fn _mm512_cvtepi32_epi16(a: __m512i) -> __m256i {
    __m256i(cast(cast::<_, [u32; 16]>(a.0).map(|number| number as u16)))
}
pub unsafe fn _mm512_cvtepi32_ps(a: __m512i) -> __m512 {
    __m512(cast::<_, [i32; 16]>(a.0).map(|number| number as f32))
}
pub unsafe fn _mm512_cvtph_ps(a: __m256i) -> __m512 {
    __m512(cast::<_, [u16; 16]>(a.0).map(|bits| half::f16::from_bits(bits).to_f32_const()))
}
pub unsafe fn _mm512_mul_ps(a: __m512, b: __m512) -> __m512 {
    __m512(std::array::from_fn(|lane| a.0[lane] * b.0[lane]))
}
pub unsafe fn _mm512_fmadd_ps(a: __m512, b: __m512, c: __m512) -> __m512 {
    __m512(std::array::from_fn(|lane| a.0[lane].mul_add(b.0[lane], c.0[lane])))
}

/// Four bytes of `a` without sign by four of `b` with sign, added to every number of `sum`; what does not fit wraps.
pub unsafe fn _mm512_dpbusd_epi32(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    let (sums, b): ([i32; 16], [i8; 64]) = (cast(sum.0), cast(b.0));
    __m512i(cast::<[i32; 16], _>(std::array::from_fn(|lane| {
        (4 * lane..4 * lane + 4)
            .map(|place| i32::from(a.0[place]) * i32::from(b[place]))
            .fold(sums[lane], i32::wrapping_add)
    })))
}
/// Two numbers of 16 bits with sign of `a` by two of `b`, added likewise.
pub unsafe fn _mm512_dpwssd_epi32(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    let (sums, a, b): ([i32; 16], [i16; 32], [i16; 32]) = (cast(sum.0), cast(a.0), cast(b.0));
    __m512i(cast::<[i32; 16], _>(std::array::from_fn(|lane| {
        (2 * lane..2 * lane + 2)
            .map(|place| i32::from(a[place]) * i32::from(b[place]))
            .fold(sums[lane], i32::wrapping_add)
    })))
}
