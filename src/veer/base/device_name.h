// SPDX-License-Identifier: MIT
//
// Names of devices, as manifests and flags write them. No torch in this file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veer {

struct DeviceName {
  std::string kind;                   // auto, cpu, cuda or mps
  std::optional<std::int64_t> index;  // the N of cuda:N
};

// What `name` says; whether there is such a device is tensors/device.h's to
// find out. Throws Error{kBadInput} that names `where` ("run.device").
DeviceName parse_device_name(std::string_view name, std::string_view where);

}  // namespace veer
