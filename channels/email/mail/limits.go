package mail

// Limits of one mail. What goes beyond is left out of the Mail and named in Problems.
const (
	maxHeaderBytes = 1 << 20  // one header block
	maxFields      = 10000    // fields of one header block
	maxValue       = 64 << 10 // bytes of one field
	maxDepth       = 30       // multiparts within multiparts
	maxParts       = 1000     // leaves of the tree
	maxText        = 2 << 20  // bytes of Text
	maxHTML        = 12 << 20 // bytes of HTML
	maxDerive      = 4 << 20  // bytes of HTML read to derive Text
	maxAddresses   = 2000     // addresses of one field
	maxIDs         = 500      // message ids of one field
	maxProblems    = 50
	maxName        = 120       // characters of a file's name
	maxSniff       = 16 << 10  // bytes a charset is judged by
	maxStrays      = 20        // boundaries looked for where they do not belong
	maxStray       = 256 << 10 // bytes of a part in which they are looked for
)
