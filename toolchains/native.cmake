# SPDX-License-Identifier: Apache-2.0
# Toolchain file for the machine's own architecture; the static dependencies of all native presets are built with it.
set(HAGENT_TARGET native CACHE STRING "Target that the dependencies are built for")
set(CMAKE_C_COMPILER gcc)
set(CMAKE_CXX_COMPILER g++)
