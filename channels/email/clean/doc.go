// Package clean makes the HTML of mails fit to be shown, searched and sent.
//
// [Parse] builds a tree with limits on size, depth and nodes in one pass that is linear in the
// input; the HTML standard's own algorithm is quadratic on hostile mails. From the tree come the
// HTML for a sandboxed frame ([Doc.HTML]) and plain text ([Doc.Text]); package quote splits the same
// tree, so that a mail is parsed once.
//
// What is shown is written anew from an allow-list of elements, attributes, URL schemes, style
// properties and style functions. Nothing of the input's markup is copied: each name comes from
// the list, each value is checked and quoted, text is escaped, and no element is let through whose
// content a browser reads by other rules (script, style, svg, math, noscript, template and their
// like). So what a browser builds from the result has no more in it than the list, however odd the
// input was.
//
// Style sheets are not kept but written into style attributes: rules with simple selectors are
// applied, those with conditions (@media, :hover) are left out. A sheet beside the mail would have
// to be scoped against the page and would keep class names alive for nothing else.
//
// The package is pure: no I/O, no clock. Functions may be called from many goroutines; a [Doc]
// belongs to one at a time.
package clean
