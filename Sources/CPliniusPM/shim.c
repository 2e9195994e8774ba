// CPliniusPM
