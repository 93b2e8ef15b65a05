//! Inner loops of floats exist once as a body; on x86-64 it is compiled a second time for machines with AVX2 and FMA and
//! chosen at run time, because a release binary may not assume them. The body fixes the order of all sums, so that every
//! machine that rounds a product with its sum once gives the same bits.

/// `sum + a · b`, rounded once where the machine can (`FUSED`).
#[inline(always)]
pub fn mac<const FUSED: bool>(sum: f32, a: f32, b: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { sum + a * b }
}

/// Makes a function of a body that is compiled twice; inside it, `FUSED` says which of the two this is.
#[macro_export]
macro_rules! wide {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<FUSED>($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        // The parameters are what one loop reads and writes; a struct for one call would only rename them.
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body<const FUSED: bool>($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $out)? {
                    body::<true>($($arg),*)
                }
                if $crate::kernels::level().has_avx2() {
                    #[allow(unsafe_code)]
                    // SAFETY: a machine of such a level has both features.
                    return unsafe { wide($($arg),*) };
                }
            }
            // Every ARM64 machine has registers of four floats that round once.
            #[cfg(target_arch = "aarch64")]
            if $crate::kernels::level() != $crate::kernels::Level::Plain {
                return body::<true>($($arg),*);
            }
            body::<false>($($arg),*)
        }
    };
}
