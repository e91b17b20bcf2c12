/* runtime/cuda/element.cuh - the 16-bit element types of weights, activations and KV: bf16 and
 * fp16. Arithmetic is in fp32; elements are what is stored and what tensor cores multiply. Two
 * neighbours share a 32-bit register, the lower address in the low half; eight make the 16 bytes
 * that a thread moves at once.
 *
 * KV may be stored as fp8 (backend.h, KV_FP8_E4M3): every one of its values is one of either
 * element type too, so making elements of them is exact. Conversions are CUDA's (cuda_fp8.h): one
 * instruction a pair from sm_89 on, some ten before. */
#ifndef REPRISE_RUNTIME_CUDA_ELEMENT_CUH
#define REPRISE_RUNTIME_CUDA_ELEMENT_CUH

#include "runtime/cuda/device.cuh"

#ifdef REPRISE_EMULATE

template <class T> inline float to_float(T value)
{
    return emulate_to_float(value);
}
template <class T> inline T from_float(float value)
{
    T out;
    emulate_from_float(value, &out);
    return out;
}
template <class T> inline float2 unpack2(uint32_t pair)
{
    T low, high;
    low.bits = static_cast<uint16_t>(pair);
    high.bits = static_cast<uint16_t>(pair >> 16);
    return make_float2(to_float(low), to_float(high));
}
template <class T> inline uint32_t pack2(float low, float high)
{
    T a = from_float<T>(low), b = from_float<T>(high);
    return static_cast<uint32_t>(a.bits) | static_cast<uint32_t>(b.bits) << 16;
}
template <class T> inline uint32_t widen2(uint32_t codes)
{
    const fp8 low = { static_cast<uint8_t>(codes) }, high = { static_cast<uint8_t>(codes >> 8) };
    return pack2<T>(to_float(low), to_float(high));
}
inline uint32_t narrow2(float2 pair)
{
    return from_float<fp8>(pair.x).code | static_cast<uint32_t>(from_float<fp8>(pair.y).code) << 8;
}

#else

template <class T> __device__ __forceinline__ float to_float(T value);
template <class T> __device__ __forceinline__ T from_float(float value);
template <class T> __device__ __forceinline__ float2 unpack2(uint32_t pair);
template <class T> __device__ __forceinline__ uint32_t pack2(float low, float high);

template <> __device__ __forceinline__ float to_float(bf16 value)
{
    return __bfloat162float(value);
}
template <> __device__ __forceinline__ float to_float(fp16 value)
{
    return __half2float(value);
}
template <> __device__ __forceinline__ bf16 from_float<bf16>(float value)
{
    return __float2bfloat16_rn(value);
}
template <> __device__ __forceinline__ fp16 from_float<fp16>(float value)
{
    return __float2half_rn(value);
}
template <> __device__ __forceinline__ float2 unpack2<bf16>(uint32_t pair)
{
    /* A bf16 is the upper half of a float. */
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}
template <> __device__ __forceinline__ float2 unpack2<fp16>(uint32_t pair)
{
    return __half22float2(*reinterpret_cast<const __half2 *>(&pair));
}
template <> __device__ __forceinline__ uint32_t pack2<bf16>(float low, float high)
{
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&pair);
}
template <> __device__ __forceinline__ uint32_t pack2<fp16>(float low, float high)
{
    __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&pair);
}

template <> __device__ __forceinline__ float to_float(fp8 value)
{
    return __half2float(__half(__nv_cvt_fp8_to_halfraw(value.code, __NV_E4M3)));
}
template <> __device__ __forceinline__ fp8 from_float<fp8>(float value)
{
    return { __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3) };
}
/* Two codes, the lower address in the low byte, as two elements. */
template <class T> __device__ __forceinline__ uint32_t widen2(uint32_t codes)
{
    const __half2_raw raw =
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(codes), __NV_E4M3);
    const float2 pair = __half22float2(__half2(raw));
    return pack2<T>(pair.x, pair.y);
}
template <> __device__ __forceinline__ uint32_t widen2<fp16>(uint32_t codes)
{
    const __half2_raw raw =
        __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(codes), __NV_E4M3);
    return raw.x | static_cast<uint32_t>(raw.y) << 16;
}
static __device__ __forceinline__ uint32_t narrow2(float2 pair)
{
    return __nv_cvt_float2_to_fp8x2(pair, __NV_SATFINITE, __NV_E4M3);
}

#endif

static constexpr unsigned CHUNK = 8; /* elements of 16 bytes */

/* Eight elements as floats; address: aligned to 16 bytes. */
template <class T> __device__ __forceinline__ void load_chunk(const T *address, float out[CHUNK])
{
    uint4 raw = *reinterpret_cast<const uint4 *>(address);
    const uint32_t pairs[4] = { raw.x, raw.y, raw.z, raw.w };
#pragma unroll
    for (unsigned i = 0; i < 4; i++) {
        float2 pair = unpack2<T>(pairs[i]);
        out[2 * i] = pair.x;
        out[2 * i + 1] = pair.y;
    }
}

template <class T> __device__ __forceinline__ void store_chunk(T *address, const float in[CHUNK])
{
    uint4 raw = { pack2<T>(in[0], in[1]), pack2<T>(in[2], in[3]), pack2<T>(in[4], in[5]),
                  pack2<T>(in[6], in[7]) };
    *reinterpret_cast<uint4 *>(address) = raw;
}

/* Eight codes as eight elements. */
template <class T> __device__ __forceinline__ uint4 widen_chunk(uint2 codes)
{
    return { widen2<T>(codes.x & 0xffffu), widen2<T>(codes.x >> 16), widen2<T>(codes.y & 0xffffu),
             widen2<T>(codes.y >> 16) };
}
template <class T> __device__ __forceinline__ uint2 narrow_chunk(uint4 elements)
{
    return { narrow2(unpack2<T>(elements.x)) | narrow2(unpack2<T>(elements.y)) << 16,
             narrow2(unpack2<T>(elements.z)) | narrow2(unpack2<T>(elements.w)) << 16 };
}

/* Eight values of KV, stored as elements or as codes, out of and into the pool as eight elements.
 * Aligned to their size. */
template <class T> __device__ __forceinline__ uint4 load_kv(const T *from)
{
    return *reinterpret_cast<const uint4 *>(from);
}
template <class T> __device__ __forceinline__ uint4 load_kv(const fp8 *from)
{
    return widen_chunk<T>(*reinterpret_cast<const uint2 *>(from));
}
template <class T> __device__ __forceinline__ void store_kv(T *to, uint4 elements)
{
    *reinterpret_cast<uint4 *>(to) = elements;
}
template <class T> __device__ __forceinline__ void store_kv(fp8 *to, uint4 elements)
{
    *reinterpret_cast<uint2 *>(to) = narrow_chunk<T>(elements);
}

#endif
