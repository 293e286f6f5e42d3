// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kiesim is a simulator of the Veo 3.1 API of KIE.AI: an http.Handler
// that accepts generations and extensions, lets them finish after a while, reports
// them through record-info and signed callbacks, makes 1080p and 4K versions of
// them, keeps a balance of credits and the files that clients upload, and serves
// videos that play.
//
// It behaves as KIE has been seen to behave, not only as KIE documents it:
// errors come as HTTP 200 with a code in the body, a task id is 32 hexadecimal
// digits, a rejected prompt is accepted first and fails later. Where KIE's
// documentation is ambiguous there is an option or a fate; where KIE could lie,
// fail or fall silent there is a fate.
//
// A fate is chosen for every task with [Options.Faults] or [Simulator.SetFaults],
// or for one task by a marker in its prompt, such as [sim:fail=501]. [Fates]
// lists them all. An extension has the fate of its own prompt. An upgrade has that
// of the prompt of its task, under keys that begin with 1080p- or 4k-, such as
// [sim:4k-callback=never]. The same goes for how the videos behave when they are
// fetched: [sim:bytes=67108864] makes them large, [sim:4k-cut=1000000] breaks the
// download off. Uploads have no prompt; they fail with [Simulator.SetUploadFault].
//
// Something in front of KIE answers in its place after or without a purchase with
// [AcceptThenHTML] and [RefuseThenHTML], to questions about a task or an upgrade with
// an [Override], and at a whole endpoint in an outage, see [Simulator.SetOutages]. An
// override also lets KIE forget a task that it knew.
//
// What was bought is counted: [Simulator.State] has every task and every upgrade
// with its price, and [Simulator.PaidByCallback] and [Simulator.PaidUpgradesByBase]
// show what was bought twice. The balance is the one at the start minus the prices of
// all that has not failed. [Simulator.FileOf] has the size and the hash of a video as
// it should be stored, [Simulator.Fetches] how often it was fetched.
//
// The simulator reads the time only from [Options.Now]. With a fake clock,
// move the clock to [Simulator.NextEvent] and call [Simulator.Deliver]; in real
// time, call [Simulator.Run].
//
// Not simulated: limits of single keys. Images of a request are not fetched; those
// that were uploaded here have to be there.
package kiesim
