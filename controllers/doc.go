// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers brings VideoGenerations and KieAccounts to the state that
// their specs ask for.
package controllers
