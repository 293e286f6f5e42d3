// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// Environment variables that hold the keys, so that they need not be on a
// command line.
const (
	envAPIKey         = "KIE_SIM_API_KEY"
	envWebhookHMACKey = "KIE_SIM_WEBHOOK_HMAC_KEY"
)

// config is what the command line asks for.
type config struct {
	bindAddress string
	version     bool
	options     kiesim.Options
}

// parse reads the command line. The error is flag.ErrHelp if help was asked for,
// and otherwise one sentence that names the flag.
func parse(args []string, getenv func(string) string) (config, error) {
	var c config
	flags := newFlagSet(&c)
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("argument %q is not a flag: see --help", flags.Arg(0))
	}
	if c.version {
		return c, nil
	}
	if err := c.check(); err != nil {
		return config{}, err
	}
	c.distinguishZero()
	if c.options.APIKey == "" {
		c.options.APIKey = getenv(envAPIKey)
	}
	if c.options.WebhookHMACKey == "" {
		c.options.WebhookHMACKey = getenv(envWebhookHMACKey)
	}
	return c, c.options.Validate()
}

// newFlagSet returns the flags of the program, which set the config.
func newFlagSet(c *config) *flag.FlagSet {
	flags := flag.NewFlagSet("kie-simulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}

	o := &c.options
	flags.BoolVar(&c.version, "version", false,
		"Print the version and end.")
	flags.StringVar(&c.bindAddress, "bind-address", ":8090",
		"Address to serve on. With port 0 the log tells the port.")
	flags.StringVar(&o.APIKey, "api-key", "",
		"Bearer token that clients must send. Empty takes "+envAPIKey+" from the environment; if that is empty too, any client may come.")
	flags.StringVar(&o.WebhookHMACKey, "webhook-hmac-key", "",
		"Key that signs callbacks. Empty takes "+envWebhookHMACKey+" from the environment; if that is empty too, callbacks are unsigned.")
	flags.DurationVar(&o.Latency, "latency", 5*time.Second,
		"Time from the acceptance of a task until it finishes.")
	flags.Func("upgrade-latency",
		"Time from the first request for a 1080p or 4K upgrade until it finishes. (default that of --latency)", c.setUpgradeLatency)
	flags.Float64Var(&o.Credits, "credits", 10000,
		"Balance at the start.")
	flags.Func("price",
		"Price of one thing as ITEM=CREDITS. May be repeated. (default "+defaultPrices()+")", c.setPrice)
	flags.IntVar(&o.RateLimit, "rate-limit", 20,
		"Generations and extensions let through in any --rate-window; the others get code 429. 0 means no limit.")
	flags.DurationVar(&o.RateWindow, "rate-window", 10*time.Second,
		"Length of the sliding window of --rate-limit.")
	flags.StringVar((*string)(&o.HTTPStatusMode), "http-status-mode", string(kiesim.HTTPStatusBody),
		"Which codes of the body are the HTTP status too: body (none), real (all) or mixed (401, 404, 429 and from 500).")
	flags.StringVar((*string)(&o.UnknownRecord), "unknown-record", string(kiesim.UnknownRecordCode422),
		"Answer of record-info about an unknown task: 422 (recordInfo is null), null (code 200 with data null), 404, record-is-null, "+
			"or does-not-exist (code 422 Record does not exist, from extend and the upgrades too).")
	flags.StringVar((*string)(&o.HighResolution), "high-resolution", string(kiesim.HighResolutionDirect),
		"What a generation at 1080p or 4k makes: direct (that resolution, for its price) or 720p (720p for the price of 720p).")
	flags.DurationVar(&o.UploadRetention, "upload-retention", 24*time.Hour,
		"Time that an uploaded file is kept.")
	flags.StringVar((*string)(&o.UploadFault), "upload-fault", string(kiesim.UploadFaultNone),
		"How every upload fails: none (it does not), 500, 401, code-400 (HTTP 200 with code 400), garbage (not JSON) or drop (no answer).")
	flags.Func("outage",
		"Time in which something in front of KIE answers, as ENDPOINT=html-CODE (an HTML page) or ENDPOINT=1010 (a bare HTTP 403), "+
			"with -after=DURATION and -for=DURATION behind it or without, such as credit=html-503-after=1m-for=2m. "+
			"Endpoints are "+strings.Join(kiesim.Endpoints(), ", ")+". May be repeated.", c.addOutage)
	flags.DurationVar(&o.CallbackTimeout, "callback-timeout", 15*time.Second,
		"Time that the receiver of a callback has to answer.")
	flags.IntVar(&o.CallbackRetries, "callback-retries", 3,
		"Tries of a callback after the first one failed.")
	flags.DurationVar(&o.CallbackBackoff, "callback-backoff", 10*time.Second,
		"Time between two tries of a callback.")
	flags.StringVar(&o.PublicURL, "public-url", "",
		"URL under which clients reach the simulator, for links to videos and uploads. Empty takes the Host of the request.")

	for _, fate := range kiesim.Fates() {
		// latency is a flag of its own; other keys have several rows.
		if flags.Lookup(fate.Key) == nil {
			flags.Var(&fateFlag{key: fate.Key, faults: &o.Faults, bare: takesNoValue(fate.Key)}, fate.Key, "")
		}
	}
	return flags
}

// defaultPrices returns all prices as they are written in the flag.
func defaultPrices() string {
	prices := kiesim.DefaultPrices()
	var items []string
	for _, item := range slices.Sorted(maps.Keys(prices)) {
		items = append(items, fmt.Sprintf("%s=%v", item, prices[item]))
	}
	return strings.Join(items, ", ")
}

// setPrice reads ITEM=CREDITS.
func (c *config) setPrice(text string) error {
	item, price, found := strings.Cut(text, "=")
	credits, err := strconv.ParseFloat(price, 64)
	if !found || err != nil {
		return fmt.Errorf("want ITEM=CREDITS such as veo3_fast=60")
	}
	if c.options.Prices == nil {
		c.options.Prices = make(kiesim.Prices)
	}
	c.options.Prices[item] = credits
	return nil
}

// addOutage reads ENDPOINT=REPLY.
func (c *config) addOutage(text string) error {
	if c.options.Outages == nil {
		c.options.Outages = make(kiesim.Outages)
	}
	return c.options.Outages.Set(text)
}

// setUpgradeLatency reads a duration, where zero means none.
func (c *config) setUpgradeLatency(text string) error {
	latency, err := time.ParseDuration(text)
	if err != nil || latency < 0 {
		return fmt.Errorf("want a duration such as 30s or 0")
	}
	c.options.UpgradeLatency = cmp.Or(latency, kiesim.Immediately)
	return nil
}

// check refuses numbers that make no sense.
func (c *config) check() error {
	o := c.options
	switch {
	case o.Latency < 0:
		return fmt.Errorf("--latency is %v: use zero or more", o.Latency)
	case o.RateLimit < 0:
		return fmt.Errorf("--rate-limit is %d: use zero or more", o.RateLimit)
	case o.CallbackRetries < 0:
		return fmt.Errorf("--callback-retries is %d: use zero or more", o.CallbackRetries)
	}
	for name, value := range map[string]time.Duration{
		"rate-window":      o.RateWindow,
		"callback-timeout": o.CallbackTimeout,
		"callback-backoff": o.CallbackBackoff,
		"upload-retention": o.UploadRetention,
	} {
		if value <= 0 {
			return fmt.Errorf("--%s is %v: use more than zero", name, value)
		}
	}
	return nil
}

// distinguishZero turns the zeros that were asked for into the values that the
// options have for "none", because their zeros mean the default.
func (c *config) distinguishZero() {
	if c.options.Latency == 0 {
		c.options.Latency = kiesim.Immediately
	}
	if c.options.RateLimit == 0 {
		c.options.RateLimit = -1
	}
	if c.options.CallbackRetries == 0 {
		c.options.CallbackRetries = -1
	}
}
