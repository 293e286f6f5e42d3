// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package egress decides which hosts the operator speaks to on behalf of others: none in its
// own network, and over https only, unless it is told otherwise; and how much of an
// answer it takes.
package egress
