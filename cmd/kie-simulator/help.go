// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

const helpIntroduction = `kie-simulator serves a simulated KIE.AI: the Veo 3.1 API, its callbacks, videos and uploads.

  POST /api/v1/veo/generate          buy a generation
  POST /api/v1/veo/extend            buy the continuation of a video
  GET  /api/v1/veo/record-info       ask for the result of either
  GET  /api/v1/veo/get-1080p-video   buy a video at 1080p the first time, ask for it from then on
  POST /api/v1/veo/get-4k-video      the same in 4K, with a callback
  POST /api/v1/common/download-url   get a link to a video that works for 20 minutes
  GET  /api/v1/chat/credit           ask for the balance
  POST /api/file-stream-upload       bring an image, as a multipart form
  POST /api/file-base64-upload       bring an image, as JSON
  POST /api/file-url-upload          let an image be fetched, as JSON
  GET  /_sim/state                   all that happened so far, as JSON
  GET  /healthz                      200 while it serves

Flags:

`

const helpFates = `
Fates:

A fate is what happens to a task and to its upgrades. Put it into the prompt of one task as a marker,
[sim:KEY=VALUE], several if you like, or give it to every task with the flag --KEY=VALUE. An unknown marker is
refused. An extension has the fate of its own prompt, an upgrade that of the prompt of its task.
What is in brackets may be left out: -after=DURATION is how much later it begins, counted from when the task
or upgrade was accepted, and -for=DURATION how long it lasts; without it, it lasts for ever.
A page with a redirect leads back to the URL that was asked for.
Examples: a prompt that contains [sim:fail=501] [sim:callback=late=1m], or [sim:record=null-after=11m-for=1m]

`

// writeHelp explains every flag and every fate.
func writeHelp(w io.Writer) error {
	var page bytes.Buffer
	page.WriteString(helpIntroduction)
	newFlagSet(new(config)).VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			return // a fate
		}
		fmt.Fprintf(&page, "  --%s\n        %s", f.Name, f.Usage)
		if f.DefValue != "" {
			fmt.Fprintf(&page, " (default %s)", f.DefValue)
		}
		page.WriteString("\n")
	})
	page.WriteString(helpFates)
	columns := tabwriter.NewWriter(&page, 0, 0, 2, ' ', 0)
	for _, fate := range kiesim.Fates() {
		fmt.Fprintf(columns, "  %s\t%s\n", fate, fate.Help)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	_, err := page.WriteTo(w)
	return err
}
