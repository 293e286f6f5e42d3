// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kie speaks KIE.AI's API, as far as its families have it in common: it sends
// requests, reads answers as tolerantly as the API writes them, and sorts outcomes by
// what they mean for money. What one family alone has is in a package of its own
// beside it, such as veo, which this one does not know.
package kie
