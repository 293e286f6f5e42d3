// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// findings are what the oracle has found. Each line names one offender.
type findings struct {
	// duplicates are purchases beyond what was allowed.
	duplicates []string
	// lost are paid tasks that their resource does not know, or has no result of.
	lost []string
	// wrong are resources that have another end than their tasks.
	wrong []string
	// stuck are resources that are not at rest.
	stuck []string
	// vanished are resources that are not there, though nobody has deleted them.
	vanished []string
	// files are videos that are not stored as they should be, or still are.
	files []string
	// books are accounts that were paid for more than their books say.
	books []string
	// dropped are purchases that were begun and not made, though nothing worse than a SIGTERM happened.
	dropped []string
	// silent are resources that do not say why they do not go on.
	silent []string
	// tooFast are accounts with too many submissions in a window.
	tooFast     []string
	regressions []string
	leaks       []string
	trouble     []string

	// unknown are paid tasks that were given up as SubmissionUnknown, and no callback of which has reached the
	// operator: it could not know of them, so they are no violation. meant counts those whose callbacks were lost on
	// purpose.
	unknown []string
	meant   int
	// unsold counts the resources that were given up as SubmissionUnknown and for which nothing was paid, expected
	// those of them to which the simulator was told to give no answer.
	unsold, expected int
	// sent are the purchases that have reached KIE.AI, unsent those that have not, by what happened to the process
	// that began them.
	sent, unsent map[fate]int
	// kept counts the accounts whose books were compared, unread has those with a period that was not read to its end.
	// unbooked counts those whose books lack only purchases that nobody knew of but a deleted resource and a process
	// that ended.
	kept, unbooked int
	unread         []string
	// safe counts the videos that are stored as they should be, swept those that were deleted with their resource.
	safe, swept int
	// adopted, pictured, mended and misled count the tasks that were taken over, the purchases with an uploaded image,
	// the purchases by name that were paid for, and the tasks whose answer a gateway gave.
	adopted, pictured, mended, misled int
	// unannounced counts the resources whose last Event died with its process.
	unannounced int
	// ends counts the reasons that the resources have ended with.
	ends map[string]int
}

// violations are the findings that must not be, by their names.
func (f *findings) violations() []category {
	return []category{
		{"duplicates", f.duplicates}, {"lost", f.lost}, {"wrong ends", f.wrong}, {"stuck", f.stuck}, {"vanished", f.vanished},
		{"files", f.files}, {"books", f.books}, {"dropped at SIGTERM", f.dropped}, {"silent", f.silent},
		{"too fast", f.tooFast}, {"regressions", f.regressions}, {"leaks", f.leaks}, {"trouble", f.trouble},
	}
}

// category is one kind of violation.
type category struct {
	name      string
	offenders []string
}
