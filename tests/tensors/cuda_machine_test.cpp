// SPDX-License-Identifier: MIT
#include "veer/tensors/cuda_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using testing::HasSubstr;

// A T4 on a driver for CUDA 13.0, with torch for the same.
CudaMachine well() {
  CudaMachine machine;
  machine.torch_cuda = 13000;
  machine.has_device = true;
  machine.has_library = true;
  machine.driver_cuda = 13000;
  machine.cards = 1;
  machine.capability = 75;
  return machine;
}

// What is found and expected of a fault; fails where there is none.
std::string said(const CudaMachine& machine) {
  const auto fault = cuda_fault(machine);
  EXPECT_TRUE(fault.has_value());
  if (!fault) {
    return "";
  }
  EXPECT_FALSE(fault->remedy.empty());
  EXPECT_FALSE(fault->cause.empty());
  return fault->found + "; " + fault->expected;
}

TEST(CudaFault, NoneWhereDriverCardAndTorchFit) {
  EXPECT_FALSE(cuda_fault(well()));
  auto machine = well();
  // Any minor version of one major version, and everything older.
  machine.torch_cuda = 13020;
  EXPECT_FALSE(cuda_fault(machine));
  machine.torch_cuda = 12060;
  EXPECT_FALSE(cuda_fault(machine));
  machine.driver_cuda = 12000;
  EXPECT_FALSE(cuda_fault(machine));
  machine.capability = 60;
  EXPECT_FALSE(cuda_fault(machine));
  machine.torch_cuda = 12080;
  machine.capability = 120;
  EXPECT_FALSE(cuda_fault(machine));
}

TEST(CudaFault, ADriverOlderThanTorch) {
  auto machine = well();
  machine.driver_cuda = 12040;
  EXPECT_THAT(said(machine), HasSubstr("up to CUDA 12.4, torch is built for "
                                       "CUDA 13.0; an NVIDIA driver from 580 "
                                       "on, or torch for CUDA 12"));
  machine.torch_cuda = 12060;
  machine.driver_cuda = 11040;
  EXPECT_THAT(said(machine), HasSubstr("from 525 on"));
}

TEST(CudaFault, TorchForCpusBesideACard) {
  auto machine = well();
  machine.torch_cuda = 0;
  EXPECT_THAT(said(machine), HasSubstr("torch is built for CPUs alone"));
}

TEST(CudaFault, ACardWithoutKernels) {
  auto machine = well();
  machine.capability = 70;
  EXPECT_THAT(said(machine), HasSubstr("capability 7.0, for which torch with "
                                       "CUDA 13.0 has no kernels; torch for "
                                       "CUDA 12.6"));
  machine.torch_cuda = 12060;
  machine.capability = 120;
  EXPECT_THAT(said(machine), HasSubstr("capability 12.0"));
}

TEST(CudaFault, WhatTheDriverAnswers) {
  auto machine = well();
  machine.cards = 0;
  for (const auto& [answer, expected] :
       {std::pair{803, "of one version"}, std::pair{804, "that this card"},
        std::pair{100, "a card at least"}}) {
    machine.init_result = answer;
    EXPECT_THAT(said(machine), HasSubstr(expected));
    EXPECT_THAT(said(machine), HasSubstr(std::to_string(answer)));
  }
  machine.visible = "7";
  EXPECT_THAT(said(machine), HasSubstr("CUDA_VISIBLE_DEVICES=7"));
}

TEST(CudaFault, NoDriverAtAll) {
  CudaMachine machine;
  EXPECT_THAT(said(machine), HasSubstr("no NVIDIA device"));
  machine.has_device = true;
  EXPECT_THAT(said(machine), HasSubstr("libcuda.so.1"));
}

}  // namespace
}  // namespace veer
