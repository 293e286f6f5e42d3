// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxLine is the longest line of a log that is looked into.
const maxLine = 4 << 20

// secrets are what no log may hold, besides the attempts of the purchases.
var secrets = map[string]string{
	"an API key": canaryAPIKey, "a webhook key": canaryHMACKey, "a prompt": canaryPrompt, "a callback path": "/v1/callbacks/",
}

// searchLog lists the lines of a log that hold a secret, and those that show a crash
// of the program. The lines themselves are not repeated.
func searchLog(name string, log io.Reader, attempts map[string]bool) (leaks, crashes []string, err error) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		for what, secret := range secrets {
			if strings.Contains(line, secret) {
				leaks = append(leaks, fmt.Sprintf("%s:%d shows %s", name, number, what))
			}
		}
		if slices.ContainsFunc(strings.FieldsFunc(line, isNoPartOfAttempt), func(word string) bool { return attempts[word] }) {
			leaks = append(leaks, fmt.Sprintf("%s:%d shows an attempt", name, number))
		}
		for _, sign := range []string{"panic:", "fatal error:", "Observed a panic"} {
			if strings.Contains(line, sign) {
				crashes = append(crashes, fmt.Sprintf("%s:%d says %q", name, number, sign))
			}
		}
	}
	return leaks, crashes, lines.Err()
}

// isNoPartOfAttempt reports whether a letter is none of base64url.
func isNoPartOfAttempt(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
