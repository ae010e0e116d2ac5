// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

namespace veer {

// What a CUDA build of torch meets on this machine. Versions are as CUDA counts
// them: 12040 is 12.4.
struct CudaMachine {
  int torch_cuda = 0;        // that torch is built for; 0: for CPUs alone
  bool has_device = false;   // the system shows an NVIDIA device
  bool has_library = false;  // libcuda.so.1, the driver's part in a program
  int driver_cuda = 0;       // the newest that the driver runs
  int init_result = 0;       // what the driver answered first; 0: all is well
  int cards = 0;             // that this process may use
  int capability = 0;        // compute capability of the first, 75 is 7.5
  std::string visible;       // CUDA_VISIBLE_DEVICES, where it is set
};

// Why torch cannot use a card here.
struct CudaFault {
  std::string found;
  std::string expected;
  std::string cause;
  std::string remedy;
};

// Asks the driver by way of libcuda.so.1, which is no part of torch, so that a
// CPU build of torch can tell too. Starts CUDA in this process.
CudaMachine look_at_cuda();

// Nothing where driver, card and torch fit. Rules: a program for CUDA 12 runs
// from driver 525 on, one for CUDA 13 from 580 on, of whatever minor version
// (NVIDIA, "CUDA compatibility", minor version compatibility); torch 2.13 has
// kernels for compute capability 5.0 to 9.0 with CUDA 12.6, for 7.5 to 12.0
// with CUDA 13 (pytorch, RELEASE.md, CUDA support matrix).
std::optional<CudaFault> cuda_fault(const CudaMachine& machine);

// "12.4" of 12040.
std::string cuda_version_text(int version);

}  // namespace veer
