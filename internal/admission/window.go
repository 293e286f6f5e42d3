// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"time"
)

// window has the requests to buy that KIE.AI got lately, or may get.
type window struct {
	// got has, for each request, the latest moment at which KIE.AI may have got it: that of the answer, or for one of
	// another process, its time limit.
	got *ranked[moment]
	// unanswered counts the requests that are under way: KIE.AI may get them at any moment.
	unanswered int
}

// moment is when something is with an attempt, or with a resource.
type moment struct {
	at time.Time
	of string
}

func compareMoments(a, b moment) int {
	if d := a.at.Compare(b.at); d != 0 {
		return d
	}
	return cmp.Compare(a.of, b.of)
}

// until is how many moments of a set are at or before a time.
func until(moments *ranked[moment], at time.Time) int {
	return moments.rank(moment{at: at.Add(1)})
}

// free is how many requests may be sent now. It is negative where the limit was
// lowered.
func (w *window) free(now time.Time, l limits) int {
	return l.submissions - w.unanswered - (w.got.len() - until(w.got, now.Add(-l.window)))
}

// opens is when one more may be sent than now, if that is known.
func (w *window) opens(now time.Time, l limits) (at time.Time, ok bool) {
	left := until(w.got, now.Add(-l.window))
	index := left + max(-w.free(now, l), 0)
	if index >= w.got.len() {
		return time.Time{}, false // not before an answer
	}
	return w.got.at(index).at.Add(l.window), true
}

// wait is how long a candidate waits at least for the window, with so many ahead that
// it does not buy now. Those ahead take the places that are free; its own is the one
// that the (ahead-free+1)-th end vacates, a whole window later for each full round.
func (w *window) wait(now time.Time, l limits, ahead int) time.Duration {
	left, reached := until(w.got, now.Add(-l.window)), until(w.got, now)
	counting := w.got.len() - left + w.unanswered
	round := max(counting, l.submissions)
	behind := ahead - w.free(now, l)
	end := now.Add(l.window)
	switch place := behind % round; {
	case place < reached-left:
		end = w.got.at(left + place).at.Add(l.window)
	case place >= reached-left+w.unanswered && place < counting: // one of another process, which KIE.AI may get later
		end = w.got.at(left + place - w.unanswered).at.Add(l.window)
	}
	return end.Sub(now) + time.Duration(behind/round)*l.window
}
