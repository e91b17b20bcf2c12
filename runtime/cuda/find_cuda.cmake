# Decides whether the CUDA backend is built: REPRISE_CUDA_FOUND. Included by the root, since a language
# is enabled for all folders whose programs link it. Without nvcc or cuBLAS all else is built.
# REPRISE_CUDA=OFF builds without even where they are.
option(REPRISE_CUDA "Build the CUDA backend where nvcc and cuBLAS are found" ON)
set(REPRISE_CUDA_FOUND FALSE)
if(NOT REPRISE_CUDA)
  message(STATUS "CUDA backend: not built (REPRISE_CUDA=OFF)")
  return()
endif()
find_program(REPRISE_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH
             PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT REPRISE_NVCC)
  message(STATUS "CUDA backend: not built (no nvcc on the PATH or in /usr/local/cuda)")
  return()
endif()
# sm_80 (A100) and sm_90 (H100, H200) as machine code; newer GPUs compile sm_90's PTX at load. CMake's own $CUDAARCHS names
# others, or fewer for a build that no GPU runs.
set(CMAKE_CUDA_COMPILER ${REPRISE_NVCC})
set(REPRISE_ARCHITECTURES 80-real 90)
if(DEFINED ENV{CUDAARCHS})
  set(REPRISE_ARCHITECTURES $ENV{CUDAARCHS})
endif()
set(CMAKE_CUDA_ARCHITECTURES ${REPRISE_ARCHITECTURES} CACHE STRING "GPUs to make machine code for")
execute_process(COMMAND ${REPRISE_NVCC} --list-gpu-arch OUTPUT_VARIABLE REPRISE_NVCC_ARCHITECTURES
                ERROR_QUIET)
if(NOT REPRISE_NVCC_ARCHITECTURES MATCHES "compute_80" OR
   NOT REPRISE_NVCC_ARCHITECTURES MATCHES "compute_90")
  message(STATUS "CUDA backend: not built (${REPRISE_NVCC} knows no sm_80 and sm_90; CUDA 11.8 does)")
  return()
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
find_path(REPRISE_CUBLAS_INCLUDE cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS} NO_DEFAULT_PATH)
if(NOT REPRISE_CUBLAS_INCLUDE)
  message(STATUS "CUDA backend: not built (nvcc ${CMAKE_CUDA_COMPILER_VERSION} without cublasLt.h)")
  return()
endif()
set(REPRISE_CUDA_FOUND TRUE)
message(STATUS "CUDA backend: built for ${CMAKE_CUDA_ARCHITECTURES} by nvcc ${CMAKE_CUDA_COMPILER_VERSION}")
