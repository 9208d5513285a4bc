// @ts-nocheck @speed-highlight/core 2.1.0
var t=[{match:/#.*/g,type:"cmnt",sub:"todo"},{expand:"str"},{type:"str",match:/(>|\|)\r?\n((\s[^\n]*)?(\r?\n|$))*/g},{type:"type",match:/!![a-z]+/g},{type:"bool",match:/\b(Yes|No)\b/g},{type:"oper",match:/[+:-]/g},{expand:"num"},{type:"var",match:/[a-zA-Z][\w-]*(?=:)/g}];export{t as default};
