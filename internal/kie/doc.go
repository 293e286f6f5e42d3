// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kie speaks KIE.AI's Veo 3.1 API: it sends requests, reads answers as
// tolerantly as the API writes them, and sorts outcomes by what they mean for
// money.
package kie
