// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conventions holds tests of the project as a whole: which package may import
// which, how long functions and packages may be, and that the documentation has what
// the code says to users.
package conventions
