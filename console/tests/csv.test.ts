/** Reading and writing CSV, and what is said about senders without the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, csvOf, good, neutralised, parse, textOf } from "../src/csv.ts";

const ID = "comms_sender_01h2xcejqtf2nbrexx3vqjhp41";

const cells = (text: string) => parse(text).rows.map((row) => row.cells);
const lines = (text: string) => parse(text).rows.map((row) => row.line);
const said = (text: string, ids = false) => check(text, ids).complaints.map(({ line, message }) => `${line}: ${message}`);

test("a text without a row has none", () => {
  for (const text of ["", "\n", "\r\n\r\n", "\ufeff", "\ufeff\r\n"]) assert.deepEqual(parse(text), { rows: [], bad: [] });
});

test("rows end with LF, CRLF or CR, and the last one with the text", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    for (const last of ["", end]) {
      const { rows } = parse(`a,b${end}${end}c,d${last}`);
      assert.deepEqual(rows, [{ line: 1, cells: ["a", "b"] }, { line: 3, cells: ["c", "d"] }], JSON.stringify(end + last));
    }
  }
});

test("a mark of byte order is no part of the first cell, quoted or not", () => {
  assert.deepEqual(cells("\ufeffa,b\n"), [["a", "b"]]);
  assert.deepEqual(cells('\ufeff"a",b\n'), [["a", "b"]]);
});

test("empty cells are cells", () => {
  assert.deepEqual(cells(",\na,\n,b\n,,"), [["", ""], ["a", ""], ["", "b"], ["", "", ""]]);
});

test("a quoted cell holds commas, quotes and ends of lines as they are", () => {
  assert.deepEqual(cells('"a,b","say ""hi""","one\ntwo\r\nthree\rfour"'), [["a,b", 'say "hi"', "one\ntwo\r\nthree\rfour"]]);
  assert.deepEqual(cells('"","""",""'), [["", '"', ""]]);
});

test("a quote inside a cell that is not quoted is a character", () => {
  assert.deepEqual(cells('5" screen,b"c"\n'), [['5" screen', 'b"c"']]);
});

test("a row is named by the line on which it starts", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    assert.deepEqual(lines(["a", '"b', "", 'b"', "c", "", "d"].join(end)), [1, 2, 5, 7], JSON.stringify(end));
  }
});

test("a row that is badly quoted ends with its first line", () => {
  const found = (text: string) => ({ bad: parse(text).bad, lines: parse(text).rows.map((row) => `${row.line}:${row.cells.join("|")}`) });
  assert.deepEqual(found('a,b\nc,"d'), { bad: [2], lines: ["1:a|b"] });
  assert.deepEqual(found('a\n"b"\n'), { bad: [], lines: ["1:a", "2:b"] });
  assert.deepEqual(found('h,i\n1,"a\n2,"b"\n3,"c" d\r\n4,"e\n5,f\n'), { bad: [2, 4, 5], lines: ["1:h|i", "3:2|b", "6:5|f"] });
  assert.deepEqual(found('h,i\n1,"two\nlines" x\n2,b'), { bad: [2], lines: ["1:h|i", '3:lines" x', "4:2|b"] });
});

test("the time is linear, whatever is quoted", () => {
  for (const line of ['x","y\n', '"\n', '"x\n']) {
    const { rows, bad } = parse("h,i\n" + line.repeat(100_000));
    assert.ok(rows.length + bad.length > 50_000);
  }
});

test("the delimiter is the first one in the header, or that of a line above", () => {
  for (const [text, columns] of [
    ["channel;address\nRCS;a\n", 2],
    ["\ufeffchannel\taddress\nRCS\ta\n", 2],
    ['"sep=;"\r\nchannel;address\r\nRCS;a\r\n', 2],
    [",,\nchannel,address,,\nRCS,a,,\n,,,\n", 2],
  ] as const) {
    const desk = check(text, false);
    assert.deepEqual(desk.columns, ["channel", "address"], text);
    assert.deepEqual(desk.rows.map((row) => row.cells), [["RCS", "a"]], text);
    assert.deepEqual(desk.complaints, [], text);
    assert.equal(desk.columns.length, columns);
  }
});

test("a file of refused rows gives the rows that were refused", () => {
  const head = "refusedLine,refusedContext,refusedCode,refusedMessage,channel,address,displayName";
  const desk = check(`${head}\n2,$[0],20001,m,RCS,a,'=x\n3,$[1],20001,m,RCS,b,''=x\n4,$[2],20001,m,,,\n`, false);
  assert.deepEqual(desk.columns, ["channel", "address", "displayName"]);
  assert.deepEqual(desk.rows.map((row) => row.cells), [["RCS", "a", "=x"], ["RCS", "b", "'=x"]]);
  assert.deepEqual(check("channel,address,displayName\nRCS,a,'=x", false).rows[0]!.cells, ["RCS", "a", "'=x"]);
});

test("what begins like a formula is neutralised", () => {
  const cells = ["=1", "'=1", "+1", "-", "@x", "\tx", "x", "'", "a=b", ""];
  assert.deepEqual(cells.map(neutralised), ["'=1", "''=1", "'+1", "'-", "'@x", "'\tx", "x", "'", "a=b", ""]);
});

test("a file is read by its mark, and one that is no text is named", async () => {
  const units = [0xfeff, ...[..."aé"].map((one) => one.charCodeAt(0))];
  const little = new Uint8Array(new Uint16Array(units).buffer);
  const big = little.map((_, at) => little[at ^ 1]!);
  for (const bytes of [little, big, new TextEncoder().encode("\ufeffaé")]) assert.equal(await textOf(new Blob([bytes])), "aé");
  await assert.rejects(textOf(new Blob([new Uint8Array([0x50, 0x4b, 3, 4])])), /workbook \(\.xlsx\)/);
  await assert.rejects(textOf(new Blob([new Uint8Array([0x1f, 0x8b, 8])])), /gzip/);
});

test("characters of every plane and spaces around cells stay as they are", () => {
  assert.deepEqual(cells("é, 漢字 ,👩‍👩‍👧,\u00a0\t\n"), [["é", " 漢字 ", "👩‍👩‍👧", "\u00a0\t"]]);
});

test("what is written ends every line with CRLF and quotes only what needs it", () => {
  const rows = [["a,b", 'c"d', "e\nf", "g\rh"], [1, 0, null, ""], [" i ", "ü", "=1+1", "-"]];
  const wanted = ['"a,b","c""d","e\nf","g\rh"', "1,0,,", " i ,ü,=1+1,-"];
  assert.equal(csvOf(["w", "x", "y", "z"], rows), ["w,x,y,z", ...wanted, ""].join("\r\n"));
});

test("what is written is read again as it was", () => {
  const pieces = ["", '"', ",", "\n", "\r", "\r\n", "a", " ", "é", "👍", "=", '""'];
  const texts = pieces.flatMap((one) => pieces.map((two) => one + two));
  const rows = texts.map((text, at) => [text, texts.at(-at)!]).filter((row) => row.some(Boolean));
  assert.deepEqual(cells(csvOf(["a", "b"], rows)), [["a", "b"], ...rows]);
});

test("a text of senders gives its columns and rows", () => {
  const rows = [{ line: 3, cells: ["+12025550100", "SMS"] }];
  const wanted = { kind: "inventory", header: 2, columns: ["address", "channel"], rows, complaints: [] };
  assert.deepEqual(check("\n address , channel\n+12025550100,SMS\n", false), wanted);
  assert.deepEqual(check("", true), { kind: "inventory", header: 0, columns: [], rows: [], complaints: [] });
});

test("each column that no sender has is named, with the one that was meant", () => {
  assert.deepEqual(said("Channel,display_name,adress,,address,address\n"), [
    "1: column 1, Channel, is none that a sender has: did you mean channel?",
    "1: column 2, display_name, is none that a sender has: did you mean displayName?",
    "1: column 3, adress, is none that a sender has; there are channel, address, displayName, status, tags",
    "1: column 4, without a name, is none that a sender has; there are channel, address, displayName, status, tags",
    "1: the column address is there twice",
    "1: the column channel is missing",
  ]);
  assert.match(said("name\n", true)[0]!, /tags, or one column senderId$/);
});

test("rows are judged only below a header that is right", () => {
  assert.deepEqual(said("channel\nPIGEON\n"), ["1: the column address is missing"]);
});

test("every problem of a row stands at its line", () => {
  const rows = [
    "SMS,+12025550100,Ada,ACTIVATED,a=1;b=2",
    ",,,,",
    "sms,x,,,",
    "WHATSAPP,12025550100,,,",
    "EMAIL,nobody,,OFF,a",
    "SMS,+12025550101",
    "SMS,+12025550100,,,",
    "RCS,+12025550100,,,",
  ];
  assert.deepEqual(said(["channel,address,displayName,status,tags", ...rows].join("\n")), [
    "4: channel must be one of SMS, RCS, EMAIL, WHATSAPP, PUSH",
    "5: a number is + and digits alone",
    "6: a mailbox has an @",
    "6: status must be one of ACTIVATED, DEACTIVATED",
    "6: tags are k=v;k=v, at most 10",
    "7: 2 cells, the header has 5",
    "8: the same sender as in line 2",
  ]);
});

test("tags are at most ten", () => {
  const row = (count: number) => `channel,address,tags\nRCS,a,${Array.from({ length: count }, (_, at) => `k${at}=v`).join(";")}`;
  assert.deepEqual(said(row(10)), []);
  assert.deepEqual(said(row(11)), ["2: tags are k=v;k=v, at most 10"]);
});

test("a quote that does not close is a problem of senders", () => {
  assert.deepEqual(said('channel,address\nRCS,"a'), ["2: the row is badly quoted: a quote does not close, or the delimiter does not follow it"]);
  assert.equal(said(`${ID}\n"x`, true)[0], "2: the row is badly quoted: a quote does not close, or the delimiter does not follow it");
});

test("ids of senders are taken with and without a header where ids are asked for", () => {
  for (const [text, header, line] of [[`senderId\n${ID}\n`, 1, 2], [`${ID}\n`, 0, 1]] as const) {
    const rows = [{ line, cells: [ID] }];
    assert.deepEqual(check(text, true), { kind: "ids", header, columns: ["senderId"], rows, complaints: [] });
    assert.equal(check(text, false).kind, "inventory");
  }
});

test("ids that are none or there twice stand at their lines", () => {
  assert.deepEqual(said(`senderId\n${ID}\ncomms_sender_1\n\n${ID.toUpperCase()}\n${ID}`, true), [
    "3: this is no sender id: comms_sender_ and 26 characters",
    "5: this is no sender id: comms_sender_ and 26 characters",
    "6: the same sender as in line 2",
  ]);
});

test("as many lines may be wrong as there are", () => {
  const count = 200_000;
  assert.equal(said(`channel,address\n${"SMS,1\n".repeat(count)}`).filter((one) => one.endsWith("digits alone")).length, count);
});

test("good rows are those without a problem, and none below a header that is wrong", () => {
  const lines = (text: string, ids = false) => good(check(text, ids)).map((row) => row.line);
  assert.deepEqual(lines("channel,address\nRCS,a\nRCS\nRCS,b"), [2, 4]);
  assert.deepEqual(lines('channel,address,displayName\nRCS,a,\nRCS,"b\nc","d'), [2]);
  for (const above of ["", "\n"]) assert.deepEqual(lines(`${above}channel,address,colour\nRCS,a,red`), []);
  assert.deepEqual(lines(""), []);
  assert.deepEqual(lines(`${ID}\nnobody\n`, true), [1]);
});
