/* tests/runtime/cuda/stand_in_cublas.c - a shared library with the names of cublasLt that
 * runtime/cuda looks for, and nothing behind them but a version: major STAND_IN_MAJOR. Without
 * STAND_IN_MULTIPLIES it lacks cublasLtMatmul. */
#include "runtime/cuda/cublas.h"

size_t cublasLtGetVersion(void)
{
    return STAND_IN_MAJOR * (size_t)10000;
}

#define STAND_IN(name)                                                                             \
    void stand_in_##name(void) __asm__("cublasLt" #name);                                          \
    void stand_in_##name(void)                                                                     \
    {                                                                                              \
    }
/* clang-format off */
STAND_IN(Create) STAND_IN(Destroy) STAND_IN(GetStatusString)
STAND_IN(MatmulDescCreate) STAND_IN(MatmulDescDestroy) STAND_IN(MatmulDescSetAttribute)
STAND_IN(MatrixLayoutCreate) STAND_IN(MatrixLayoutDestroy)
STAND_IN(MatmulPreferenceCreate) STAND_IN(MatmulPreferenceDestroy)
STAND_IN(MatmulPreferenceSetAttribute) STAND_IN(MatmulAlgoGetHeuristic)
/* clang-format on */
#ifdef STAND_IN_MULTIPLIES
STAND_IN(Matmul)
#endif
