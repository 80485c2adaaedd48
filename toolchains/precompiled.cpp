// SPDX-License-Identifier: Apache-2.0
// Owns nothing: the translation unit that precompiled headers hang on.
