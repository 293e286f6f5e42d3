// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package callback receives the calls that KIE.AI makes when a task has ended.
//
// A callback is a hint: its signature covers the task id and the time, not the
// body. All that happens here is that the hint is put into status.callback of
// the VideoGeneration whose attempt is in the URL, with one write and only
// after everything that can be checked without a write has been checked. The
// field is called the mailbox. The controller sees it change, asks KIE.AI, and
// believes only that answer.
//
// Every replica serves, whoever the leader is. Nothing that the network sent,
// not the path, nor a header, nor the body, reaches the log, except for the
// task id of a callback that was accepted.
package callback
