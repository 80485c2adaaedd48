# SPDX-License-Identifier: Apache-2.0
"""A real Eclipse hawkBit as the lab's manager; see README.md."""
