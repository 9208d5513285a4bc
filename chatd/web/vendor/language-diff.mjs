// @ts-nocheck @speed-highlight/core 2.1.0
var t=[{type:"deleted",match:/^[-<].*/gm},{type:"insert",match:/^[+>].*/gm},{type:"kwd",match:/!.*/gm},{type:"section",match:/^@@.*@@$|^\d.*|^([*+-])\1\1.*/gm}];export{t as default};
