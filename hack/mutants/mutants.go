// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// mutant is a deliberate break of the code.
type mutant struct {
	// promise is the one that is broken, as docs/reliability.md numbers it.
	promise string
	// name says what the broken operator does.
	name string
	// file is changed: before, which is in it once, becomes after.
	file, before, after string
	// tests are those that have to notice, as a regular expression for go test -run.
	tests string
	// in is the folder of their package, if it is another one than that of the file.
	in string
}

// testsIn is the folder of the package of the tests.
func (m mutant) testsIn() string { return cmp.Or(m.in, path.Dir(m.file)) }

// apply returns the text of the broken file.
func (m mutant) apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.before)); n != 1 {
		return nil, fmt.Errorf("%s has the text to change %d times, want once: the code has changed, and the mutant has to follow", m.file, n)
	}
	return bytes.Replace(text, []byte(m.before), []byte(m.after), 1), nil
}

var mutants = []mutant{
	{
		promise: "P1", name: "buys on a view that is out of date",
		file:   "controllers/generation/persist.go",
		before: "patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})",
		after:  "patch := client.MergeFrom(before)",
		tests:  "TestTwoManagersRace", in: "controllers",
	},
	{
		promise: "P1", name: "buys again when the answer was lost",
		file:   "controllers/generation/submit.go",
		before: "case kie.NotSent, kie.Deferred:",
		after:  "case kie.NotSent, kie.Deferred, kie.Unknown:",
		tests:  "TestTheAnswerIsLost/drop", in: "controllers",
	},
	{
		promise: "P1", name: "buys once more than spec.retry allows",
		file:   "internal/state/retry.go",
		before: "task.Number >= vg.Spec.Retry.MaxAttempts",
		after:  "task.Number > vg.Spec.Retry.MaxAttempts",
		tests:  "TestRetry", in: "controllers",
	},
	{
		promise: "P1", name: "takes a late write for a new one",
		file:   "controllers/generation/persist.go",
		before: `{Op: "test", Path: "/status/task/attempt", Value: attempt},`,
		after:  "",
		tests:  "TestALateWriteChangesNothing", in: "controllers",
	},
	{
		promise: "P1", name: "sends a purchase where a redirect points",
		file:   "internal/kie/client.go",
		before: "purchases: &http.Client{Transport: purchases, CheckRedirect: stayHere}",
		after:  "purchases: &http.Client{Transport: purchases}",
		tests:  "TestBuyNeverFollowsRedirects",
	},
	{
		promise: "P2", name: "acknowledges a callback that was not written",
		file:   "internal/callback/mailbox.go",
		before: "case !apierrors.IsConflict(err):\n\t\t\treturn apiUnavailable",
		after:  "case !apierrors.IsConflict(err):\n\t\t\treturn accepted",
		tests:  "TestNoAcknowledgementWithoutAWrite",
	},
	{
		promise: "P2", name: "acknowledges a callback that lost to other writes",
		file:   "internal/callback/mailbox.go",
		before: "if writes == maxWrites {\n\t\t\treturn contended",
		after:  "if writes == maxWrites {\n\t\t\treturn accepted",
		tests:  "TestDeliverGivesUpAfterThreeConflicts",
	},
	{
		promise: "P3", name: "relies on callbacks alone",
		file:   "controllers/generation/observe.go",
		before: "l.requeueBy(s.Next(r.Clock.Now()))",
		after:  "_ = s.Next(r.Clock.Now())",
		tests:  "TestPollingIsTheNetBelowCallbacks", in: "controllers",
	},
	{
		promise: "P3", name: "gives up at the deadline without asking",
		file:   "controllers/generation/expire.go",
		before: "case !l.known.task.answeredAt.Before(end):",
		after:  "default:",
		tests:  "TestKIEIsAwayAtTheDeadline", in: "controllers",
	},
	{
		promise: "P3", name: "gives up a task whose record is late",
		file:   "controllers/generation/observe.go",
		before: "if restored && now.Before(",
		after:  "if restored && false && now.Before(",
		tests:  "TestARestoredResourceWaitsForItsRecord", in: "controllers",
	},
	{
		promise: "P3", name: "does not come back after a write that failed",
		file:   "internal/report/conflict.go",
		before: "default:\n\t\treturn ctrl.Result{}, err\n",
		after:  "default:\n\t\treturn ctrl.Result{}, nil\n",
		tests:  "TestEveryWriteDisturbed/result", in: "controllers",
	},
	{
		promise: "P3", name: "leaves what is paid for to the last",
		file:   "internal/state/priority.go",
		before: "const PaidPriority = 10",
		after:  "const PaidPriority = -10",
		tests:  "TestWhatIsPaidForComesFirst", in: "controllers/generation",
	},
	{
		promise: "P4", name: "takes any signature",
		file:   "internal/callback/authenticate.go",
		before: "return kie.VerifySignature(keys, taskID, timestamps[0], signatures[0])",
		after:  "return len(kie.Sign(keys[0], taskID, timestamps[0])) == len(signatures[0])",
		tests:  "TestHostileRequests",
	},
	{
		promise: "P4", name: "takes a signature of any time",
		file:   "internal/callback/authenticate.go",
		before: "return -limit <= skew && skew <= limit",
		after:  "return -limit <= skew || skew <= limit",
		tests:  "TestHostileRequests",
	},
	{
		promise: "P4", name: "takes a callback about another task",
		file:   "internal/callback/addressee.go",
		before: "return a.anyID || slices.Contains(a.ids, taskID)",
		after:  "return a.anyID || len(a.ids) > 0 && taskID != \"\"",
		tests:  "TestHostileRequests",
	},
	{
		promise: "P4", name: "believes the callback that the task has succeeded",
		file:   "controllers/generation/observe.go",
		before: "if err := r.applyRecord(ctx, l, record); err != nil {",
		after:  "if c := l.vg.Status.Callback; c != nil && c.Code != nil && *c.Code == 200 {\n\t\t\trecord.State = kie.RecordSucceeded\n\t\t}\n\t\tif err := r.applyRecord(ctx, l, record); err != nil {",
		tests:  "TestHowATaskEnds/callback", in: "controllers",
	},
	{
		promise: "P4", name: "gives a lost purchase whatever task a callback names",
		file:   "controllers/generation/recover.go",
		before: `if record.CallbackURL != "" && !strings.HasSuffix(record.CallbackURL, "/"+task.Attempt) {`,
		after:  `if strings.HasSuffix(record.CallbackURL, "//"+task.Attempt) {`,
		tests:  "TestACallbackCannotGiveAnotherTask", in: "controllers",
	},
	{
		promise: "P5", name: "takes a resource of the same name for the same",
		file:   "internal/byname/byname.go",
		before: "if ok && found.uid == uid {",
		after:  "if ok {",
		tests:  "TestAnotherResourceOfTheNameBuysItsOwn", in: "controllers",
	},
	{
		promise: "P5", name: "deletes a resource that has changed meanwhile",
		file:   "controllers/generation/clean_up.go",
		before: "client.Preconditions{UID: ptr.To(l.stored.UID), ResourceVersion: ptr.To(l.stored.ResourceVersion)}",
		after:  "client.Preconditions{UID: ptr.To(l.stored.UID)}",
		tests:  "TestTimeToLive", in: "controllers",
	},
	{
		promise: "P5", name: "writes a callback to whatever has the name",
		file:   "internal/callback/mailbox.go",
		before: "patch.Metadata.ResourceVersion = vg.ResourceVersion",
		after:  "",
		tests:  "TestDeliver|TestOneWriteForManyReplicas",
	},
	{
		promise: "P5", name: "asks on about what has ended",
		file:   "api/v1alpha1/task.go",
		before: "case TaskSucceeded:\n\t\treturn true",
		after:  "case TaskSucceeded:\n\t\treturn false",
		tests:  "TestSettled",
	},
	{
		promise: "P6", name: "forgets what was bought before a restart",
		file:   "internal/admission/ledger.go",
		before: "if end := task.SubmittedAt.Add(strangersCount + window); end.After(now) {",
		after:  "if end := task.SubmittedAt.Add(strangersCount - window); end.After(now.Add(time.Hour)) {",
		tests:  "TestAdmissionKeepsTheLimits",
	},
	{
		promise: "P6", name: "does not count a purchase that has no answer yet",
		file:   "internal/admission/ledger.go",
		before: "c.occupiedUntil = append(c.occupiedUntil, now.Add(window))",
		after:  "_ = now",
		tests:  "TestAdmissionKeepsTheLimits|TestAnUnansweredPurchase",
	},
	{
		promise: "P7", name: "logs prompts",
		file:   "controllers/generation/submit.go",
		before: `logger.Info("KIE.AI accepted the task", `,
		after:  `logger.Info("KIE.AI accepted the task", "prompt", l.vg.Spec.Prompt, `,
		tests:  "TestAVideoIsBoughtOnceAndCalledBack", in: "controllers",
	},
	{
		promise: "P7", name: "logs callback paths",
		file:   "internal/callback/handler.go",
		before: `h.log.V(1).Info("callback not accepted", `,
		after:  `h.log.V(1).Info("callback not accepted", "path", r.URL.Path, `,
		tests:  "TestHostileRequests",
	},
	{
		promise: "P7", name: "prints keys",
		file:   "internal/credentials/credentials.go",
		before: `_, _ = fmt.Fprint(state, text) // a fmt.State does not fail`,
		after:  `_, _ = fmt.Fprint(state, text, c.APIKey)`,
		tests:  "TestCredentialsKeepTheirKeys",
	},
	{
		promise: "P7", name: "shows a key that KIE.AI repeats",
		file:   "internal/kie/errors.go",
		before: `message = strings.ReplaceAll(message, secret, "[redacted]")`,
		after:  `message = strings.ReplaceAll(message, secret, secret)`,
		tests:  "TestRedact|TestBuyRedacts",
	},
	{
		promise: "P8", name: "reads a body of any size",
		file:   "internal/callback/body.go",
		before: "io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))",
		after:  "io.ReadAll(r.Body)",
		tests:  "TestHostileRequests",
	},
	{
		promise: "P8", name: "works on any number of requests at a time",
		file:   "internal/callback/handler.go",
		before: "\tif !h.line.enter(lineTimeout - h.clock.Since(came)) {\n\t\treturn tooMany\n\t}\n",
		after:  "\t_ = h.line.enter(lineTimeout - h.clock.Since(came))\n",
		tests:  "TestTooManyRequests",
	},
	{
		promise: "P6", name: "does not say that the account is suspended",
		file:   "controllers/generation/hold.go",
		before: "if state.IsAccountSuspended(c.account) {",
		after:  "if false {",
		tests:  "TestASuspendedAccountSpendsNothing", in: "controllers",
	},
	{
		promise: "P6", name: "enlarges on a suspended account",
		file:   "controllers/generation/upgrade.go",
		before: "if state.IsAccountSuspended(l.asks) && !state.UpgradeBegun(l.vg) {",
		after:  "if false {",
		tests:  "TestASuspendedAccountSpendsNothing", in: "controllers",
	},
	{
		promise: "P8", name: "reads an answer of any size",
		file:   "internal/kie/client.go",
		before: "if len(body) > maxResponseBytes {",
		after:  "if len(body) > 2*maxResponseBytes {",
		tests:  "TestBuyBoundsTheAnswer|TestQueryFailures",
	},
	{
		promise: "P8", name: "remembers every purchase for ever",
		file:   "internal/admission/ledger.go",
		before: "} else if a.canForget(p, shown[attempt], now.Add(-window)) {",
		after:  "} else if a.canForget(p, shown[attempt], now.Add(-window)) && false {",
		tests:  "TestTheLedgerForgets",
	},
	{
		promise: "P8", name: "remembers every earlier task for ever",
		file:   "internal/state/history.go",
		before: "return history[max(len(history)-MaxHistory, 0):]",
		after:  "return history",
		tests:  "TestHistoryIsBounded", in: "controllers",
	},
}

// all are the mutants of every kind.
func all() []mutant { return slices.Concat(mutants, watches, lasting, books, refused, storage, bursts) }
