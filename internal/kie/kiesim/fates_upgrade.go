// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

// ofUpgrade returns fates of tasks as fates of an upgrade, under longer keys.
func ofUpgrade(prefix, what string, chosen func(*Faults) **Faults, rows []Fate) []Fate {
	all := make([]Fate, 0, len(rows))
	for _, row := range rows {
		set := row.set
		row.Key, row.Help = prefix+row.Key, what+row.Help
		row.set = func(f *Faults, text string) error {
			var changed Faults
			if before := *chosen(f); before != nil {
				changed = *before // a copy: others may have the same
			}
			if err := set(&changed, text); err != nil {
				return err
			}
			*chosen(f) = &changed
			return nil
		}
		all = append(all, row)
	}
	return all
}

// fates1080p are those that only an upgrade to 1080p has.
var fates1080p = []Fate{
	notReadyFate("400", 400, "while it runs the answer is code 400 with KIE's text (the default)"),
	notReadyFate("422", 422, "while it runs the answer is code 422 that says it is being generated"),
	notReadyFate("500", 500, "while it runs the answer is code 500"),
	failureFate(422, "fails: code 422 and a text for ever"),
	failureFate(500, "fails: code 500 for ever, with a text"),
	literalFate("url", "result_url", "the URL is in result_url and not in resultUrl", func(f *Faults) { f.SnakeAnswer = true }),
}

// fates4K are those that only an upgrade to 4K has.
var fates4K = []Fate{
	failureFate(400, "fails: code 400 for ever, callback with 400"),
	failureFate(422, "fails: code 422 for ever, callback with 500"),
	failureFate(500, "fails: code 500 for ever, callback with 500"),
	literalFate("failure-data", "null", "the callback of a failure has data null and no id", func(f *Faults) { f.NullFailureData = true }),
	literalFate("id", "same", "it has the id of the task (the default)", func(f *Faults) { f.NewID = false }),
	literalFate("id", "new", "it has an id of its own, which record-info knows", func(f *Faults) { f.NewID = true }),
	literalFate("snake", "answer", "answers have task_id, result_urls, media_ids and image_urls", func(f *Faults) { f.SnakeAnswer = true }),
	literalFate("snake", "callback", "the callback has task_id, result_urls, media_ids and image_urls, and no info", func(f *Faults) { f.SnakeCallback = true }),
	literalFate("credits-consumed", "hidden", "the callback has no creditsConsumed", func(f *Faults) { f.HideCredits = true }),
	consumedFate("record-info and the callback have this number as creditsConsumed, whatever was paid"),
}

func notReadyFate(value string, code int, help string) Fate {
	return literalFate("not-ready", value, help, func(f *Faults) { f.NotReady = code })
}
