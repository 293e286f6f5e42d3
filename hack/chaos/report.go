// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// shown is how many offenders of each kind are printed.
const shown = 20

// figures are the numbers that describe a run.
type figures struct {
	loading, settling  time.Duration
	resources, deleted int
	tasks, upgrades    int
	sent, acknowledged int
	// answers counts the answers to callbacks of tasks by their status, 0 for none.
	answers    map[int]int
	refused429 int
	fullest    int
	counts     map[disturbance]int
	// ends counts how the processes of the operator have ended.
	ends map[end]int
	// followed is how long it took from the receipt of each callback to the end of its task.
	followed   []time.Duration
	twoLeaders time.Duration
	leaders    int
}

// listed lists how often there was each answer.
func listed(answers map[int]int) string {
	var list []string
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		name := "no answer"
		if status != 0 {
			name = strconv.Itoa(status)
		}
		list = append(list, fmt.Sprintf("%d × %s", answers[status], name))
	}
	return strings.Join(list, ", ")
}

// counted lists how often there was each of some things.
func counted[T ~string](counts map[T]int) string {
	var list []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%d × %s", counts[what], what))
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// share returns the time below which the given percentage of the times are.
func share(times []time.Duration, percent int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[max(0, (len(sorted)*percent+99)/100-1)].Round(time.Second)
}

// report prints a run as a table, and the names of the offenders.
func report(w io.Writer, r figures, f *findings) {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(what, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	row("resources", "%d in %v, %.1f/s; %d deleted under way", r.resources, r.loading.Round(time.Second), float64(r.resources)/r.loading.Seconds(), r.deleted)
	row("at rest", "%v after the load", r.settling.Round(time.Second))
	row("paid for", "%d tasks, %d upgrades", r.tasks, r.upgrades)
	row("callbacks", "%d sent, %d accepted, %d refused: %s", r.sent, r.acknowledged, r.sent-r.acknowledged, listed(r.answers))
	row("from a callback to the task's end", "half of them within %v, 99%% within %v, all within %v", share(r.followed, 50), share(r.followed, 99), share(r.followed, 100))
	row("submissions", "at most %d in %v on one account, %d refused with 429", r.fullest, submissionWindow, r.refused429)
	for _, lane := range lanes {
		for _, q := range lane {
			row(string(q.what), "%d", r.counts[q.what])
		}
	}
	row("two leaders", "%d times, %v in all", r.leaders, r.twoLeaders.Round(100*time.Millisecond))
	for _, reason := range slices.Sorted(maps.Keys(f.ends)) {
		row("ended as "+reason, "%d", f.ends[reason])
	}
	row("unknown, nothing paid", "%d, %d of them because KIE.AI refused without an answer", f.unsold, f.expected)
	row("unknown, paid, no callback came through", "%d, and %d whose callbacks were lost on purpose", len(f.unknown), f.meant)
	row("purchases, by what came over their process", "%s", counted(f.sent))
	row("begun and never sent", "%s", counted(f.unsent))
	row("ends of processes", "%s", counted(r.ends))
	row("adopted, bought again, with an image", "%d, %d, %d", f.adopted, f.mended, f.pictured)
	row("bought, and a gateway answered", "%d", f.misled)
	row("files", "%d are stored as they should be, those of %d were deleted with their resource", f.safe, f.swept)
	row("books", "of %d accounts, of which %d have a period that was not read to its end, and %d lack a purchase whose resource was deleted and whose process ended right after it",
		f.kept, len(f.unread), f.unbooked)
	row("no Event, as its process or the API server went", "%d", f.unannounced)
	for _, c := range f.violations() {
		row(strings.ToUpper(c.name), "%d", len(c.offenders))
	}
	_ = table.Flush()
	for _, c := range append(f.violations(), category{"unknown", f.unknown}) {
		for _, offender := range c.offenders[:min(shown, len(c.offenders))] {
			fmt.Fprintf(w, "  %s: %s\n", c.name, offender)
		}
		if more := len(c.offenders) - shown; more > 0 {
			fmt.Fprintf(w, "  %s: and %d more\n", c.name, more)
		}
	}
}
