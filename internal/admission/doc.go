// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admission decides who may buy now: in which order, and within which limits. Its
// Ledger remembers what this process knows of each account and the resources do not show.
//
// The Till is to take the Ledger's place: it knows what the resources show, too, from the
// events about them, so that nobody has to list them (till.go, and book.go for one account).
package admission
