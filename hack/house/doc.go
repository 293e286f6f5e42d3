// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package house holds tests of the project as a whole: which package knows which,
// and that what the code says to people is in the documentation.
package house
