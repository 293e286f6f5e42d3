// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kiesim is a simulator of the Veo 3.1 API of KIE.AI: an http.Handler
// that accepts generations, lets them finish after a while, reports them through
// record-info and signed callbacks, keeps a balance of credits, and serves a
// video that plays.
//
// It behaves as KIE has been seen to behave, not only as KIE documents it:
// errors come as HTTP 200 with a code in the body, a task id is 32 hexadecimal
// digits, a rejected prompt is accepted first and fails later. Where KIE's
// documentation is ambiguous there is an option; where KIE could lie, fail or
// fall silent there is a fate.
//
// A fate is chosen for every task with [Options.Faults] or [Simulator.SetFaults],
// or for one task by a marker in its prompt, such as [sim:fail=501]. [Fates]
// lists them all.
//
// The simulator reads the time only from [Options.Now]. With a fake clock,
// move the clock to [Simulator.NextEvent] and call [Simulator.Deliver]; in real
// time, call [Simulator.Run].
//
// Not simulated: 1080p and 4K upgrades, extensions and uploads. A generation that
// asks for 1080p or 4k is accepted and made at 720p for the price of 720p.
package kiesim
