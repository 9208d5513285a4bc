// @ts-nocheck emojibase-data 17.0.0
export default `grinsendes Gesicht	froh fröhlich gesicht grinsen haha lachen lol lustig smiley
grinsendes Gesicht mit großen Augen	augen fröhlich gesicht glücklich grinsen große lachen lol lustig lächeln mund offen smiley
grinsendes Gesicht mit lachenden Augen	augen fröhlich geschlossen gesicht glücklich grinsen lachen lol lustig lächeln mund offen smiley witzig
strahlendes Gesicht mit lachenden Augen	augen fröhlich gesicht grinsen happy lachen lustig lächeln smiley strahlen zähne
Grinsegesicht mit zugekniffenen Augen	augen geschlossen gesicht grinsegesicht grinsen haha hehe hihi lachen lol lustig mund offen smiley witzig zugekniffen zusammengekniffen
grinsendes Gesicht mit Schweißtropfen	gesicht grinsen lachen lustig lächeln mund nervös offen schweiß schweißtropfen schwitzen smiley
sich vor Lachen auf dem Boden wälzen	boden gesicht haha hehe lachen lol lustig muahaha rofl smiley tränen witzig
Gesicht mit Freudentränen	freude freudentränen fröhlich gesicht haha happy hehe hihi lachen lol lustig muahaha rofl smiley tränen witzig
leicht lächelndes Gesicht	gesicht lächeln smiley
umgekehrtes Gesicht	auf dem kopf gesicht lächeln smiley stehen umgekehrt
schmelzendes Gesicht	auflösen beschämt flüssig gesicht hitze sarkasmus sarkastisch schmelzen schwitzen smiley verschwinden
zwinkerndes Gesicht	auge flirten gesicht sexy smiley zudrücken zugedrückt zukneifen zuzwinkern zwinkern
lächelndes Gesicht mit lachenden Augen	augen erröten freude freundlich gesicht glücklich lachen lächeln rot wangen
lächelndes Gesicht mit Heiligenschein	brav engel gesicht glücklich heiligenschein lieb lächeln seelig smiley
lächelndes Gesicht mit Herzen	3 anhimmeln bewundern gesicht hdgdl hdl herzchen herzen lieb liebe lächeln smiley verknallt verliebt verzückt
lächelndes Gesicht mit herzförmigen Augen	augen gesicht glücklich herzen herzförmig liebe lächeln smiley verliebt
überwältigt	aufgeregt augen gesicht grinsen smiley star stern wow
Kuss zuwerfendes Gesicht	flirten gesicht kuss küsschen küssen lieb smiley zuwerfen
küssendes Gesicht	flirten gesicht hdl knutsch kuss küssen smiley xoxo
lächelndes Gesicht	fröhlich gesicht lächeln rot smiley wangen
küssendes Gesicht mit geschlossenen Augen	geschlossen gesicht knutsch kuss küsschen küssen rot smiley ugen wangen
küssendes Gesicht mit lächelnden Augen	augen flirten gesicht knutsch kuss küssen lächeln smiley
lachendes Gesicht mit Träne	berührt dankbar erleichtert freudenträne gerührt gesicht lächeln smiley stolz träne
sich die Lippen leckendes Gesicht	gesicht lecker leckeres essen lächeln sich die lippen leckender smiley sich die lippen leckendes gesicht smiley zunge
Gesicht mit herausgestreckter Zunge	bäh gesicht herausgestreckt lachen lustig smiley zunge ätsch
zwinkerndes Gesicht mit herausgestreckter Zunge	auge gesicht herausgestreckt herausstrecken smiley zudrücken zugedrückt zunge zwinkern
irres Gesicht	auge augen gesicht groß irre klein smiley verrückt
Gesicht mit herausgestreckter Zunge und zusammengekniffenen Augen	auge augen bäh ekel gesicht herausgestreckt herausstrecken igitt schmeck schrecklich smiley zunge zusammengekniffen zusammenkneifen
Gesicht mit Dollarzeichen	dollar dollarzeichen geld gesicht mund smiley zunge
Gesicht mit umarmenden Händen	drücken gesicht hände smiley umarmen umarmung
verlegen kicherndes Gesicht	gesicht haha hand hihi huch kichern lachen mund rot smiley wangen
Gesicht mit offenen Augen und Hand über dem Mund	augen erschrecken erstaunen furcht geschockt gesicht hand mund offen omg schock smiley unglauben verlegenheit überraschung
Gesicht mit durch die Finger linsendem Auge	auge finger gebannt gesicht hervorlugen linsen schüchtern smiley spähen starren verlegen
ermahnendes Gesicht	ermahnen finger gesicht leise psst pst ruhe ruhig sch smiley
nachdenkendes Gesicht	fragen gesicht grübeln hm komisch nachdenken nachdenklich smiley wundern
salutierendes Gesicht	aye gesicht jawohl jawoll militär ok respekt salutieren smiley zu befehl
Gesicht mit Reißverschlussmund	geheimnis gesicht halten mund reißverschluss schweigen smiley wahren
Gesicht mit hochgezogenen Augenbrauen	argwöhnisch augenbrauen gesicht hochgezogen misstrauen skeptisch smiley stutzig zweifel
neutrales Gesicht	ausdruckslos gesicht kommentarlos neutral smiley todernst unbeeindruckt
ausdrucksloses Gesicht	ausdruckslos gesicht kommentarlos selbstgefällig smiley unbeeindruckt unglaublich
Gesicht ohne Mund	gesicht kein mund smiley sprachlos
gestricheltes Gesicht	depressiv deprimiert egal gesicht gestrichelt introvertiert smiley traurig unsichtbar verschwinden verstecken
Gesicht in Wolken	geistesabwesend gesicht im nebel gesicht in wolken kopf in wolken
süffisant lächelndes Gesicht	feixen flirten gesicht lächeln mundwinkel schief smiley
verstimmtes Gesicht	gesicht langweilig smiley traurig unglücklich unzufrieden verstimmt
Augen verdrehendes Gesicht	augen genervt gesicht meinetwegen nerv ohje rollen smiley verdrehen verrollen
Grimassen schneidendes Gesicht	gesicht grimasse peinlich schneiden smiley verziehen zähne
Gesicht, das ausatmet	ausatmen erleichtert erschöpft gesicht husten puh pusten schnaufen seufz seufzen smiley
lügendes Gesicht	gesicht lüge nase pinocchio schwindel
zitterndes Doppelgesicht	doppelgesicht erdbeben gesicht omg panik schock smiley verrückt vibrieren wow zittern überrascht
Kopfschütteln	kopfschütteln nein schütteln
Kopfnicken	ja kopfnicken nicken
erleichtertes Gesicht	augen entspannt erleichtert geschlossen gesicht smiley zen zufrieden
nachdenkliches Gesicht	enttäuscht gesicht nachdenklich schrecklich smiley traurig verlieren verloren
schläfriges Gesicht	gesicht gute müde nacht schläfrig smiley traurig
sabberndes Gesicht	gesicht sabbern smiley
schlafendes Gesicht	dösen einschlafen gesicht gute nacht gähnen langweilig mittagsschlaf müde nickerchen schlaf schlafen smiley zzz
Gesicht mit Atemschutzmaske	arzt atemschutzmaske bazillen erkältet gesicht krank krankheit mund mundschutz schutzmaske smiley viren virus
Gesicht mit Fieberthermometer	fieber gesicht krank messen smiley thermometer
Gesicht mit Kopfverband	aua autsch gesicht kopf schmerzen smiley verband verletzung
würgendes Gesicht	ekel eklig erbrechen gesicht grün igitt smiley widerlich würgen übelkeit übergeben
kotzendes Gesicht	brechen erbrechen gesicht kotzen krank schlecht smiley speien spucken übel übergeben
niesendes Gesicht	erkältet erkältung gesicht gesundheit grippe hatschi krank nase niesen putzen smiley taschentuch
schwitzendes Gesicht	erhitzt fieber fiebrig gesicht heiß herausstrecken hitze hitzschlag rot schnaufen schwitzen smiley zunge
frierendes Gesicht	bibbern blau eisig erfrieren frieren frostig frösteln gesicht kalt smiley unter null zittern zähne zähneklappern
schwindeliges Gesicht	angeheitert angeschwipst angetrunken benebelt berauscht beschwipst betrunken gewellt mund schwindelig schwindlig smiley
benommenes Gesicht	augen benommen gesicht ko krank kreuze schwindelig schwindlig smiley
Gesicht mit Spiralen als Augen	augen gesicht hypnose hypnotisiert höhenangst omg schwindelig schwindlig smiley spiralen verwirrt wirr
explodierender Kopf	entsetzt explodieren geschockt gesicht kopf schock schockiert smiley unglaublich überwältigt
Gesicht mit Cowboyhut	cowboy cowboyhut cowgirl gesicht hut smiley
Partygesicht	aufgeregt feier fest fröhlich geburtstag gesicht glückwunsch hurra hut party smiley überraschung
verkleidet	brille gesicht incognito inkognito maske nase nasenbrille person smiley spionieren verdeckt verkleidung
lächelndes Gesicht mit Sonnenbrille	cool gesicht lächeln smiley sonnenbrille
Strebergesicht	brille gesicht intelligent klug nerd schlau schlaumeier smart smiley streber strebergesicht
Gesicht mit Monokel	elegant gesicht monokel reich smiley
verwundertes Gesicht	gesicht keine ahnung smiley traurig verwirrt verwundert weiß nicht
Gesicht mit schrägem Mund	enttäuscht genervt gesicht hmpf keine ahnung langweilig skeptisch smiley unsicher zweifelnd
besorgtes Gesicht	besorgt gesicht smiley sorgen traurig
betrübtes Gesicht	betrübt gesicht schade smiley traurig
düsteres Gesicht	deprimiert düster gesicht smiley stirnrunzelnd traurig
Gesicht mit offenem Mund	erstaunt gesicht mund offen omg schockiert unglaublich vergessen wow
verdutztes Gesicht	erstaunt gesicht omg smiley sprachlos verdutzt
erstauntes Gesicht	erstaunt gesicht nee omg schockiert smiley verwundert
errötetes Gesicht mit großen Augen	augen erröten gesicht groß peinlich rot scham schämen smiley verlegen wangen überrascht
bettelndes Gesicht	anflehen augen betteln bettelnd bitte bitten flehend gesicht groß kulleraugen smiley traurig welpenaugen
Gesicht, das Tränen zurückhält	aufgebracht dankbar freude freudentränen gerührt gesicht rührung smiley stolz tränen weinen zurückhalten
entsetztes Gesicht	entsetzt gesicht mund offen schockiert smiley verwundert
qualvolles Gesicht	arm gesicht leidend qualvoll smiley vergessen wow
ängstliches Gesicht	angst besorgt gesicht ängstlich
besorgtes Gesicht mit Schweißtropfen	angst angstschweiß besorgt gesicht mund nervös offen schweiß ängstlich
trauriges aber erleichtertes Gesicht	enttäuscht erleichtert gesicht knapp schweiß traurig ängstlich
weinendes Gesicht	gesicht smiley traurig träne weinen
heulendes Gesicht	flennen gesicht heulen schluchzen smiley traurig tränen tränenfluss weinen
vor Angst schreiendes Gesicht	angst gesicht munch omg panik schrei schreien schreiend ängstlich
verwirrtes Gesicht	bestürzt frustriert gesicht konfus smiley verwirrt verzweifelt
entschlossenes Gesicht	ausdauernd durchhalten fokus gesicht konzentration konzentrieren kopfschmerzen
enttäuschtes Gesicht	enttäuscht gesicht leider schade smiley traurig verloren
bedrücktes Gesicht mit Schweiß	angstschweiß augen bedrückt geschlossen gesicht kopfschmerzen schweiß smiley
erschöpftes Gesicht	erschöpft fehlschlag gesicht hungrig müde nein smiley unglücklich
müdes Gesicht	gesicht müde niesen smiley traurig
gähnendes Gesicht	gelangweilt gesicht gähnen gähnend langweilig müde schnarch smiley zzz öde
schnaubendes Gesicht	erleichtert gesicht gewonnen schnaubendes gesicht
schmollendes Gesicht	gesicht rot rot angelaufener smiley schmollendes gesicht wütend
verärgertes Gesicht	böse gesicht smiley verärgert wut wütend zornig ärgern
Gesicht mit Symbolen über dem Mund	fluchen gesicht mund schimpfen schimpfwort smiley symbole verdammt wut wütend zensur ärger ärgern
grinsendes Gesicht mit Hörnern	böse dämon dämonin fantasie grinsen hörner lila märchen satan smiley teufel violett
wütendes Gesicht mit Hörnern	böse dämon dämonin fantasie fantasy gesicht hörner kobold lila märchen satan teufel teufelchen violett wütend
Totenkopf	gesicht knochen märchen schädel tod tot totenkopf yolo
Totenkopf mit gekreuzten Knochen	gekreuzt gesicht knochen piratenflagge schädel tod tot totenkopf
Kothaufen	kot kothaufen mist
Clown-Gesicht	clown clown-gesicht gesicht
Ungeheuer	gesicht gruselig japan japanisch maske monster märchen oger ungeheuer
Kobold	gemein gesicht japan japanisch kobold maske monster märchen tengu ungeheuer wütend
Gespenst	buh fantasy geist gesicht gespenst gruselig halloween märchen spuk zunge
Außerirdischer	alien all außerirdisch außerirdische außerirdischer fantasy gesicht monster märchen ufo weltraum wesen
Computerspiel-Monster	computerspiel-monster gesicht monster ufo
Roboter	gesicht monster roboter robotergesicht roboterkopf
grinsende Katze	gesicht grinsen katze katzengesicht lachen lol lustig mund offen smiley tier
grinsende Katze mit lachenden Augen	augen gesicht grinsen katze katzengesicht lachen smiley tier
Katze mit Freudentränen	freude freudentränen gesicht katze katzengesicht lachen smiley tier tränen
lachende Katze mit Herzen als Augen	augen gesicht herzaugen herzen katze katzengesicht lachen liebe lächeln smiley tier verliebt
verwegen lächelnde Katze	gesicht grinsen ironisch katze katzengesicht lachen lächeln smiley tier
küssende Katze	augen geschlossen gesicht katze katzengesicht kuss küsschen küsse küssen rot smiley tier wangen
erschöpfte Katze	angst erschöpft gesicht katze katzengesicht panik schock schockiert schrei schreien smiley tier überrascht
weinende Katze	gesicht katze katzengesicht smiley tier traurig träne weinen
schmollende Katze	gesicht katze katzengesicht schmollen schmollmund smiley tier verärgert
sich die Augen zuhaltendes Affengesicht	affe affengesicht augen böse geheimnis gemein geste nein omg sehen tier verboten vergessen verstecken zuhalten
sich die Ohren zuhaltendes Affengesicht	affe affengesicht böse geheimnis gemein geste hören nein ohren tier verboten zuhalten zuhören
sich den Mund zuhaltendes Affengesicht	affe affengesicht böse geheimnis gemein geste hand heimlich leise mund nein sagen sprechen still tier ups verboten zuhalten
Liebesbrief	brief herz liebe liebesbrief post siegel
Herz mit Pfeil	herz herz mit pfeil liebe pfeil
Herz mit Schleife	herz hochzeitstag jahrestag küsschen küsse liebe schleife valentinstag xoxo
funkelndes Herz	aufregung funkeln gefühl glitzern herz liebe morgen nacht rosa xoxo
wachsendes Herz	aufregung gefühl herz herzschlag küsschen küsse liebe nervosität nervös puls wachsen xoxo
schlagendes Herz	gefühl herz herzschlag liebe puls pulsieren schlagen
kreisende Herzen	emotion gefühl herz herzen hochzeitstag jahrestag kreisen liebe süß
zwei Herzen	date gefühl herz herzen hochzeitstag jahrestag küsschen küsse liebe rendezvous xoxo
Herzdekoration	deko emotion gefühl herz herzdekoration liebe lila violett weiß
Herz als Ausrufezeichen	ausrufezeichen herz herz als ausrufezeichen satzzeichen
gebrochenes Herz	allein gebrochen gefühl herz herzschmerz liebeskummer schmerz traurig trennung zerbrochen
Herz in Flammen	brennendes herz herz in flammen leidenschaft liebe
Herz mit Verband	besserung genesen herz mit verband
rotes Herz	herz rotes herz
pinkes Herz	gefallen gefällt gefühl herz liebe mag mögen niedlich pink rosa süß verliebt
oranges Herz	herz liebe orange
gelbes Herz	gefühl gelb herz herzlich liebe
grünes Herz	gefühl grün herz liebe romantisch
blaues Herz	blau gefühl herz liebe romantisch
hellblaues Herz	aquamarin emotion gefallen gefällt gefühl hdl hellblau herz liebe mag mögen niedlich süß türkis zyan
lila Herz	beste gefühl hdl herz liebe lilafarben violett
braunes Herz	braun braunes herz herz
schwarzes Herz	böse herz schwarz schwarzes herz
graues Herz	emotion grau graues herz hdl herz liebe schieferfarben silber silberfarben
weißes Herz	herz weiß weißes herz
Kussabdruck	gefühl knutsch kuss kussabdruck küssen liebe lippen lippenstift romantisch sexy
100 Punkte	100 punkte punktestand volle punktzahl
Ärger	comic wut ärger
Zusammenstoß	bombe boom comic explodieren explosion kollidieren kollision zusammenstoß zusammenstoßen
schwindlig	benommen benommenheit comic komet stern sterne sternschnuppe
Schweißtropfen	comic feucht nass schweiß schweißtropfen schwitzen trainieren training tropfen wasser
Staubwolke	comic rennen staubwolke weglaufen
Loch	loch schwarz
Sprechblase mit drei Punkten	comic dialog gespräch sprechblase sprechblase mit drei punkten unterhaltung
Auge in Sprechblase	auge dialog reden sprechblase sprechen zeuge
Sprechblase links	dialog reden sprechblase links sprechen unterhaltung
Sprechblase für wütende Aussage rechts	sprechblase sprechblase für wütende aussage rechts wütend
Gedankenblase	comic gedankenblase nachdenken
Schlafen	buchstaben comic gähn langweilig müde nickerchen schlaf schlafen schnarchen zzz öde
winkende Hand	auf wiedersehen bis später ciao guten tag hallo hand hey hi tschüs tschüss winken
erhobene Hand von hinten	erhoben erhobene hand von hinten erhobener handrücken hand
Hand mit gespreizten Fingern	5 finger fünf gespreizt hand hand mit gespreizten fingern
erhobene Hand	5 erhoben halt hand handfläche high five schlag ein stopp warte
vulkanischer Gruß	finger gruß grüßen hand hände spreizen
nach rechts weisende Hand	ausgestreckt ausstrecken hand hände händeschütteln reichen schütteln weisen
nach links weisende Hand	ausgestreckt ausstrecken hand hände händeschütteln reichen schütteln weisen
Hand mit Handfläche nach unten	abweisen fallen lassen fallenlassen hand handfläche handgeste hau ab verscheuchen wegscheuchen wegschicken
Hand mit Handfläche nach oben	anbieten angebot darbieten einladen entgegenstrecken hand handfläche handgeste kommen locken reichen
nach links schiebende Hand	drücken halt hand high 5 high five moment nein schieben schluss stopp warte mal warten
nach rechts schiebende Hand	drücken halt hand high 5 high five moment nein schieben schluss stopp warte mal warten
OK-Zeichen	exzellent finger genial hand in ordnung natürlich ok ok-zeichen perfekt super
zusammengedrückte Finger	bündelhand finger fingerspitzen gehts noch geste hand handgeste italienisch was zusammengedrückt zusammengelegt
Wenig-Geste	betrag finger gering geste hand klein menge unbedeutend wenig wenig-geste winzig
Victory-Geste	sieg v victory victory-geste
Hand mit gekreuzten Fingern	finger gekreuzt hand hand mit gekreuzten fingern
Hand mit gekreuztem Zeigefinger und Daumen	daumen finger fingerherz gekreuzt geld hand handgeste kosten teuer zeigefinger
Ich-liebe-dich-Geste	drei finger geste hand hdl ich-liebe-dich-geste liebe
Teufelsgruß	corna finger hand heavy hörner mano cornuta metal metalhand pommesgabel rock teufel teufelsgruß yeah
Ruf-mich-an-Handzeichen	anruf anrufen hand ruf ruf-mich-an-handzeichen shaka
nach links weisender Zeigefinger	finger handrückseite weisen zeigefinger zeigen
nach rechts weisender Zeigefinger	finger handrückseite weisen zeigefinger zeigen
nach oben weisender Zeigefinger von hinten	aufwärts finger handrücken handrückseite hier hinauf melden rauf weisen zeigefinger zeigen
Mittelfinger	finger hand mittelfinger
nach unten weisender Zeigefinger	abwärts finger handrücken handrückseite hinab hinunter runter weisen zeigefinger zeigen
nach oben weisender Zeigefinger von vorne	finger hand handvorderseite hier melden weisen zeigefinger zeigen
auf Betrachter zeigender Zeigefinger	deuten du finger fingerzeig hand handgeste sie stupsen zeigefinger zeigen
Daumen hoch	daumen daumen hoch einverstanden finger gut hand in ordnung jawohl klar klasse like nach oben ok super top
Daumen runter	daumen daumen runter hand nach unten schlecht
erhobene Faust	erhoben faust hand kampf solidarität
geballte Faust	absolut bro faust geballt hand korrekt zustimmen
Faust nach links	faust hand
Faust nach rechts	faust hand
klatschende Hände	applaudieren applaus beifall gratulation großartig gut hand hände klatschen klatschend toll
zwei erhobene Handflächen	erhoben feiern geste handflächen hurra hände
Hände, die Herz bilden	<3 finger geste handgeste handherz hdl herz hände händeherz liebe
offene Hände	hände jazz offen umarmen umarmung
Handflächen nach oben	beten gebet hand hände zusammen
Handschlag	handschlag hände händeschütteln vereinbarung
zusammengelegte Handflächen	beten betend bitten danke danken gebet gefaltet grüßen handflächen zusammengelegt
schreibende Hand	hand schreiben schreibend stift
Nagellack	kosmetik maniküre nagel nagellack nagelpflege
Selfie	selfie smartphone
angespannter Bizeps	arm bizeps bodybuilder bro fitnessstudio gewichtheben muckies muskeln stark training
Armprothese	arm armprothese barrierefreiheit prothese
Beinprothese	barrierefreiheit bein beinprothese prothese
Bein	bein extremität fuß gebeugtes knie gliedmaße knie körperglied körperteil treten tritt
Fuß	fuß füße kick knöchel körperteil stampfen treten tritt
Ohr	hören körperteil ohr
Ohr mit Hörgerät	barrierefreiheit gehörlos hilfsgerät hörgerät hörhilfe ohr schwerhörig taub
Nase	körperteil nase riechen
Gehirn	gehirn hirn intelligent intelligenz klug schlau
Herz (Organ)	anatomie herz herzschlag körper körperteil mensch organ puls schlagen
Lunge	atem atmen ausatmen einatmen körper körperteil lunge lungenflügel mensch organ
Zahn	perlweiß weiß zahn zahnarzt zahnärztin zähne
Knochen	hund hundeknochen kauknochen knochen skelett
Augen	auge augen gesicht gucken schauen sehen
Auge	auge blick körper körperteil schauen sehen
Zunge	hmm körperteil lecken lecker mmh zunge ätsch
Mund	kuss körperteil lippen lippenstift mund
auf Lippe beißen	angst besorgt flirten flirtend kuss lippenstift mund nervös sexy unbehaglich zähne ängstlich
Baby	baby gesicht jung kind kleinkind locke
Kind	enkelkind jung jünger kind munter strahlend
Junge	enkelsohn gesicht jung junge jünger kind munter sohn strahlend
Mädchen	enkeltochter gesicht jung jünger kind munter mädchen strahlend tochter
Person	erwachsen erwachsene person mensch person
Person: blondes Haar	blond blondhaarig gesicht mensch person
Mann	erwachsen gesicht mann
Person: Bart	bart bärtig person schnurrbart
Mann: Bart	bart mann mann mit bart mann: bart
Frau: Bart	bart frau frau mit bart frau: bart
Mann: rotes Haar	erwachsen gesicht mann rotes haar
Mann: lockiges Haar	erwachsen gesicht lockiges haar mann
Mann: weißes Haar	erwachsen gesicht mann weißes haar
Mann: Glatze	erwachsen gesicht glatze mann
Frau	erwachsen frau gesicht
Frau: rotes Haar	erwachsen frau gesicht rotes haar
Person: rotes Haar	erwachsen erwachsene person mensch person rotes haar
Frau: lockiges Haar	erwachsen frau gesicht lockiges haar
Person: lockiges Haar	erwachsen erwachsene person lockiges haar mensch person
Frau: weißes Haar	erwachsen frau gesicht weißes haar
Person: weißes Haar	erwachsen erwachsene person mensch person weißes haar
Frau: Glatze	erwachsen frau gesicht glatze
Person: Glatze	erwachsen erwachsene person glatze mensch person
Frau: blond	blonde frau frau frau: blond gesicht haar
Mann: blond	blonder mann gesicht haar mann mann: blond
ältere Person	alt erwachsen großeltern mensch person weise älter
älterer Mann	alt erwachsen großeltern großvater mann mensch opa senior weise älter
ältere Frau	alt erwachsen frau großeltern großmutter mensch oma seniorin weise älter
missmutige Person	frustriert gesicht missmutig person runzeln stirnrunzelnd unzufrieden verärgert
missmutiger Mann	frustriert gesicht mann missmutig runzeln stirnrunzelnd unzufrieden verärgert
missmutige Frau	frau frustriert gesicht missmutig runzeln stirnrunzelnd unzufrieden verärgert
schmollende Person	eingeschnappt enttäuscht jammerd jammern person schmollen schmollend verärgert
schmollender Mann	eingeschnappt enttäuscht jammerd jammern mann schmollen schmollend verärgert
schmollende Frau	eingeschnappt enttäuscht frau jammerd jammern schmollen schmollend verärgert
Person mit überkreuzten Armen	arme gesicht nein nicht person verbieten verboten überkreuzt
Mann mit überkreuzten Armen	arme gesicht mann nein nicht verbieten verboten überkreuzt
Frau mit überkreuzten Armen	arme frau frau mit überkreuzten armen gesicht
Person mit Händen auf dem Kopf	geste hände oje ok omg person über kopf übung
Mann mit Händen auf dem Kopf	geste hände mann oje ok omg über kopf übung
Frau mit Händen auf dem Kopf	frau geste hände oje ok omg über kopf übung
Infoschalter-Mitarbeiter(in)	abgekippt beleidigen gerüchte geste hand klatsch klatschen person sarkasmus sarkastisch tratsch tratschen
Infoschalter-Mitarbeiter	abgekippt beleidigen gerüchte geste hand klatsch klatschen mann sarkasmus sarkastisch tratsch tratschen
Infoschalter-Mitarbeiterin	auskunft frau informationen infoschalter-mitarbeiterin
Person mit erhobenem Arm	aufzeigen drankommen drannehmen frage geste hand heben hier ich person sich melden wissen
Mann mit erhobenem Arm	aufzeigen drankommen drannehmen frage geste hand heben hier ich mann sich melden wissen
Frau mit erhobenem Arm	aufzeigen drankommen drannehmen frage frau geste hand heben hier ich sich melden wissen
gehörlose Person	barrierefreiheit gehörlos hören ohr person schwerhörig taub
gehörloser Mann	gehörlos gehörloser mann mann taub
gehörlose Frau	frau gehörlos gehörlose frau taub
sich verbeugende Person	bedauern bitten demut entschuldigung geste kniefall meditation meditieren person sorry unterwerfen verbeugen verzeihung
sich verbeugender Mann	demut mann sich verbeugender mann verbeugen
sich verbeugende Frau	bedauern bitten demut entschuldigung frau geste kniefall meditation meditieren sorry unterwerfen verbeugen verzeihung
sich an den Kopf fassende Person	fassen frustriert genervt gesicht kopf oh nein omg person unfassbar unglaublich verzweifelt
sich an den Kopf fassender Mann	fassen frustriert genervt gesicht kopf mann oh nein omg unfassbar unglaublich verzweifelt
sich an den Kopf fassende Frau	fassen frau frustriert genervt gesicht kopf oh nein omg unfassbar unglaublich verzweifelt
schulterzuckende Person	egal gleichgültig keine ahnung person schultern zucken schulterzuckend weiß nicht zweifel
schulterzuckender Mann	egal gleichgültig keine ahnung mann schultern zucken schulterzuckend weiß nicht zweifel
schulterzuckende Frau	egal frau gleichgültig keine ahnung schultern zucken schulterzuckend weiß nicht zweifel
Arzt/Ärztin	arzt/ärztin arztkittel doktor(in)
Arzt	arzt arztkittel doktor krankenpfleger pfleger
Ärztin	arztkittel doktor krankenschwester pflegerin ärztin
Student(in)	absolvent(in) doktorhut student(in) uni
Student	absolvent diplom doktorhut student uni
Studentin	abschluss absolventin diplom doktorhut studentin uni
Lehrer(in)	dozent(in) lehrer(in) professor(in)
Lehrer	dozent lehrer mann professor tafel
Lehrerin	dozentin frau lehrerin professorin
Richter(in)	richter(in) waage
Richter	gerechtigkeit mann recht richter
Richterin	frau gerechtigkeit recht richterin
Bauer/Bäuerin	bauer/bäuerin farmer(in) gärtner(in) landwirt(in)
Bauer	bauer farmer gärtner landwirt rancher ähre
Bäuerin	bäuerin farmerin gärtnerin landwirtin ähre
Koch/Köchin	koch/köchin kochen
Koch	koch kochen restaurant
Köchin	kochen köchin
Mechaniker(in)	elektriker(in) klempner(in) mechaniker(in)
Mechaniker	elektriker handwerker klempner mann mechaniker
Mechanikerin	elektrikerin frau handwerkerin klempnerin mechanikerin
Fabrikarbeiter(in)	arbeiter(in) fabrik fabrikarbeiter(in) industriell montage
Fabrikarbeiter	fabrik fabrikarbeiter helm
Fabrikarbeiterin	fabrik fabrikarbeiterin frau helm
Büroangestellte(r)	architekt(in) business büroangestellte(r) manager(in) schlips und kragen
Büroangestellter	angestellter büro büroangestellter manager mann
Büroangestellte	angestellte büro büroangestellte frau managerin mangerin
Wissenschaftler(in)	forscher(in) labor wissenschaftler(in)
Wissenschaftler	chemie forscher labor wissenschaftler
Wissenschaftlerin	forscherin frau labor wissenschaftlerin
IT-Experte/IT-Expertin	bildschirm computer entwickler(in) it-experte/it-expertin
IT-Experte	arbeit bildschirm büro computer entwickler it-experte mann office
IT-Expertin	arbeit bildschirm büro computer entwickler entwicklerin frau it-expertin laptop office
Sänger(in)	entertainer(in) rock star sänger(in)
Sänger	mann mikrofon popstar schauspieler sänger
Sängerin	frau mikrofon popstar schauspielerin sängerin
Künstler(in)	farbpalette künstler(in) maler(in)
Künstler	farbpalette künstler maler mann
Künstlerin	farbpalette frau künstlerin malerin
Pilot(in)	flugzeug pilot(in)
Pilot	flugzeug mann pilot
Pilotin	flieger flugzeug frau pilotin
Astronaut(in)	astronaut(in) raumfahrt weltraum
Astronaut	astronaut mann raumfahrt weltraum
Astronautin	astronautin frau raumfahrt weltraum
Feuerwehrmann/-frau	feuerwehrhelm feuerwehrmann/-frau
Feuerwehrmann	feuerwehr feuerwehrhelm feuerwehrmann mann
Feuerwehrfrau	feuerwehrfrau feuerwehrhelm frau
Polizist(in)	beruf festnehmen gesetzeshüter gesicht person polizei polizist polizist(in) polizistin uniform verhaften
Polizist	mann polizei polizist
Polizistin	beruf festnehmen frau gesetzeshüterin person polizei polizistin uniform verhaften
Detektiv(in)	detektiv detektiv(in) lupe sherlock spion
Detektiv	detektiv mann spion
Detektivin	detektivin frau spionage spionin
Wache	buckingham palace bärenfellmütze gesicht london wache wachfrau wachmann wachsoldat wachsoldatin wächter
Wachsoldat	buckingham palace wache wachsoldat
Wachsoldatin	buckingham buckingham palace guard helm london palast wache wachsoldatin wächter
Ninja	ausdauer geheimmission killer krieger kunoichi kämpfer mörder ninja person shinobi soldat vermummt
Bauarbeiter(in)	arbeit bau bauarbeiter bauarbeiter(in) bauarbeiterin beruf gesicht helm person schutzhelm umbauen
Bauarbeiter	bauarbeiter baustelle helm
Bauarbeiterin	bauarbeiter bauarbeiterin baustelle frau helm mann
Person mit Krone	adelig krönung könig königin königlich königliche hoheit monarch monarchin person person mit krone prinz prinzessin
Prinz	krone prinz
Prinzessin	gesicht krone märchen prinzessin
Person mit Turban	bart dreitagebart person person mit turban turban
Mann mit Turban	gesicht mann mann mit turban turban
Frau mit Turban	frau frau mit turban gesicht turban
Mann mit chinesischem Hut	china chinesisch gesicht hut kappe mütze person
Frau mit Kopftuch	frau frau mit kopftuch hidschab hijab kopftuch mantilla person tichel tuch
Person im Smoking	anzug bräutigam formell mann person person im smoking smoking vornehm
Mann im Smoking	mann mann im smoking smoking
Frau im Smoking	frau frau im smoking smoking
Person mit Schleier	braut braut mit schleier gesicht hochzeit person person mit schleier schleier
Mann mit Schleier	mann mann mit schleier schleier
Frau mit Schleier	frau frau mit schleier schleier
schwangere Frau	frau schwanger schwangere frau
schwangerer Mann	aufgebläht bauch dick person schwanger schwangerer mann zu viel gegessen überfressen
schwangere Person	aufgebläht bauch dick dicker bauch person schwanger schwangere person schwangerschaft zu viel gegessen überfressen
Stillen	baby brust frau person stillen
Frau, die Baby die Flasche gibt	baby eltern flasche geben flasche gebende frau frau füttern mama milch mutter neugeborenes person säugling
Mann, der Baby die Flasche gibt	baby flasche geben flasche gebender mann füttern mann
Person, die Baby die Flasche gibt	baby flasche geben flasche gebende person person
Putte	engel gesicht kind märchen putte
Weihnachtsmann	weihnachten weihnachtsmann
Weihnachtsfrau	weihnachten weihnachtsfrau
Weihnachtsperson	gesicht gesicht mit hut person santa claus weihnachten weihnachtsfrau weihnachtshut weihnachtsmann weihnachtsmütze weihnachtsperson
Superheld(in)	held person superheld superheld(in) superheldin superkraft superkräfte superman umhang übermensch
Superheld	held superheld
Heldin	heldin superheldin
Bösewicht	böse bösewicht bösewichtin krimineller person schurke schurkin superkräfte superschurke superschurkin verbrecher
männlicher Bösewicht	böse bösewicht männlicher bösewicht
weiblicher Bösewicht	böse bösewicht weiblicher bösewicht
Magier(in)	hexe hexenmeister magier magier(in) magiker person zauberer zauberin zaubern zauberspruch zauberstab
Magier	hexenmeister magier zauberer
Magierin	hexe magierin zauberin
Märchenfee	elf elfe fantasy fee flügel geflügelt mystisch märchen märchenfee person wesen
männliche Fee	männliche fee oberon puck zauberer
Fee	fee titania
Vampir	blutsauger dracula halloween person reißzähne untot untoter vampir zähne
männlicher Vampir	dracula männlicher vampir untoter
weiblicher Vampir	untoter weiblicher vampir
Wassermensch	meerjungfrau meermann märchen nixe person sirene wasserfrau wassermann wassermensch
Wassermann	triton wassermann
Meerjungfrau	meerjungfrau nixe wasserfrau
Elf(e)	elbe elben elbin elf elf(e) elfe fantasy herr der ringe magie magisch person
Elf	alb elbe elf magisch
Elfe	elbin elfe magisch
Flaschengeist	aladdin aladin dschinn flaschengeist lampe person wunderlampe wünsche
männlicher Flaschengeist	dschinn männlicher flaschengeist
weiblicher Flaschengeist	dschinn weiblicher flaschengeist
Zombie	apokalypse halloween horror person untot untoter walking dead wandelnder toter zombie
männlicher Zombie	männlicher zombie untoter wandelnder toter
weiblicher Zombie	untote wandelnde tote weiblicher zombie
Troll	fantasy gruslig kobold monster märchen ork troll ungeheuer
Person, die eine Kopfmassage bekommt	behandlung die eine kopfmassage bekommt entspannen kopfmassage kopfschmerzen massage migräne person person, die eine kopfmassage bekommt salon spa therapie
Mann, der eine Kopfmassage bekommt	der eine kopfmassage bekommt entspannen kopfmassage kopfschmerzen mann mann, der eine kopfmassage bekommt massage salon
Frau, die eine Kopfmassage bekommt	behandlung entspannen entspannend frau gesicht kopf kopfmassage kopfschmerzen kopfweh lindern massage relaxen salon spa therapie verspannung
Person beim Haareschneiden	friseur friseurin friseuse frisur frisör frisörin haare haarschnitt person person beim haareschneiden schere
Mann beim Haareschneiden	friseur frisur haarschnitt mann mann beim haareschneiden salon schere
Frau beim Haareschneiden	frau frau beim haareschneiden friseur haarschnitt schere
Fußgänger(in)	fußgänger fußgänger(in) fußgängerin gehen gehend person schlendern schlurfen wandern
Fußgänger	fußgänger gehen mann spaziergang
Fußgängerin	frau fußgängerin gehen schlendern spazieren spaziergang
Fußgänger(in): nach rechts	fußgänger fußgänger(in) fußgängerin gehen gehend person schlendern schlurfen wandern
Fußgängerin: nach rechts	frau fußgängerin gehen schlendern spazieren spaziergang
Fußgänger: nach rechts	fußgänger gehen mann spaziergang
stehende Person	mensch person stand stehen stehende person
stehender Mann	mann stehen stehender mann
stehende Frau	frau stehen stehende frau
kniende Person	fersensitz knien kniend kniende person meditation meditieren mensch person seiza zazen
kniender Mann	kniend kniender mann mann
kniende Frau	frau kniend kniende frau
kniende Person: nach rechts	fersensitz knien kniend kniende person meditation meditieren mensch person seiza zazen
kniende Frau: nach rechts	frau kniend kniende frau
kniender Mann: nach rechts	kniend kniender mann mann
Person mit Langstock	barrierefreiheit blind person mit blindenstock person mit langstock
Person mit Langstock: nach rechts	barrierefreiheit blind person mit blindenstock person mit langstock
Mann mit Langstock	barrierefreiheit behinderung blind mann mann mit blindenstock mann mit gehstock mann mit langstock mensch person sehbehindert
Mann mit Langstock: nach rechts	barrierefreiheit behinderung blind mann mann mit blindenstock mann mit gehstock mann mit langstock mensch person sehbehindert
Frau mit Langstock	barrierefreiheit behinderung blind frau frau mit blindenstock frau mit gehstock frau mit langstock mensch person
Frau mit Langstock: nach rechts	barrierefreiheit behinderung blind frau frau mit blindenstock frau mit gehstock frau mit langstock mensch person
Person in elektrischem Rollstuhl	barrierefreiheit person in elektrischem rollstuhl rollstuhl
Person in elektrischem Rollstuhl: nach rechts	barrierefreiheit person in elektrischem rollstuhl rollstuhl
Mann in elektrischem Rollstuhl	barrierefreiheit behinderung mann mann in elektrischem rollstuhl mann in rollstuhl mensch person rollstuhl
Mann in elektrischem Rollstuhl: nach rechts	barrierefreiheit behinderung mann mann in elektrischem rollstuhl mann in rollstuhl mensch person rollstuhl
Frau in elektrischem Rollstuhl	barrierefreiheit behinderung frau frau in elektrischem rollstuhl frau in rollstuhl mensch person rollstuhl
Frau in elektrischem Rollstuhl: nach rechts	barrierefreiheit behinderung frau frau in elektrischem rollstuhl frau in rollstuhl mensch person rollstuhl
Person in manuellem Rollstuhl	barrierefreiheit person in manuellem rollstuhl rollstuhl
Person in manuellem Rollstuhl: nach rechts	barrierefreiheit person in manuellem rollstuhl rollstuhl
Mann in manuellem Rollstuhl	barrierefreiheit behinderung mann mann in manuellem rollstuhl mann in rollstuhl mensch person rollstuhl
Mann in manuellem Rollstuhl: nach rechts	barrierefreiheit behinderung mann mann in manuellem rollstuhl mann in rollstuhl mensch person rollstuhl
Frau in manuellem Rollstuhl	barrierefreiheit behinderung frau frau in manuellem rollstuhl frau in rollstuhl mensch person rollstuhl
Frau in manuellem Rollstuhl: nach rechts	barrierefreiheit behinderung frau frau in manuellem rollstuhl frau in rollstuhl mensch person rollstuhl
laufende Person	eilig joggen laufen laufende person läufer läuferin marathon person rennen schnell sport
laufender Mann	joggen jogger laufen laufender mann marathon
laufende Frau	athlet athletin frau joggen joggerin laufen laufende frau läufer läuferin marathon rennen renner rennerin rennt schell
laufende Person: nach rechts	eilig joggen laufen laufende person läufer läuferin marathon person rennen schnell sport
laufende Frau: nach rechts	athlet athletin frau joggen joggerin laufen laufende frau läufer läuferin marathon rennen renner rennerin rennt schell
laufender Mann: nach rechts	joggen jogger laufen laufender mann marathon
tanzende Frau	elegant festlich flair flamenco frau salsa schwung tango tanz tanzen tänzerin
tanzender Mann	elegant festlich flair flamenco mann salsa schwung tango tanz tanzen tänzer
schwebender Mann im Anzug	anzug geschäftlich mann schwebender mann im anzug
Personen mit Hasenohren	bunny bunnys doppelt hasenohren leute party person personen mit hasenohren seelenverwandt tanzen tänzerinnen zwillinge
Männer mit Hasenohren	bunnys hasenohren männer männer mit hasenohren party tanzen zwillinge
Frauen mit Hasenohren	bunnys frauen frauen mit hasenohren hasenohren party
Person in Dampfsauna	abschalten dampfbad dampfsauna entspannen frau luxuriös person person in dampfsauna relaxen sauna spa
Mann in Dampfsauna	dampfsauna mann in dampfsauna sauna
Frau in Dampfsauna	dampfsauna frau in dampfsauna sauna
Bergsteiger(in)	bergsteiger bergsteiger(in) fels kletterer klettern person sport
Bergsteiger	bergsteiger
Bergsteigerin	bergsteiger bergsteigerin
Fechter(in)	fechten fechter fechter(in) schwert sport
Pferderennen	jockey auf pferd pferderennen schnell sport um die wette wetten
Skifahrer(in)	schnee ski skifahrer skifahrer(in) skifahrerin sport
Snowboarder(in)	snowboard snowboarden snowboarder snowboarder(in) snowboarderin sport
Golfer(in)	abschlagplatz golf golfer golfer(in) golferin golfspieler golfspielerin person sport sportler sportlerin
Golfer	golf golfen golfer golfspieler mann
Golferin	frau golf golfen golferin golfspielerin
Surfer(in)	person sport surfboard surfbrett surfen surfer surfer(in) surferin wassersport wellenreiten wellenreiter wellenreiterin
Surfer	mann surfer wellenreiten
Surferin	frau sport strand surf surfbrett surferin wellen wellenreiten
Person im Ruderboot	angeln boot kanu paddel person person im ruderboot ruderboot rudern sport
Mann im Ruderboot	boot mann mann im ruderboot rudern
Frau im Ruderboot	boot bootfahrerin frau frau im ruderboot ruder ruderin rudern see
Schwimmer(in)	kraulen person pool schwimmbecken schwimmen schwimmer schwimmer(in) schwimmerin sport triathlon wasser
Schwimmer	kraulen pool schwimmbad schwimmen schwimmer
Schwimmerin	frau kraulen pool schwimmbad schwimmen schwimmerin sport
Person mit Ball	ball basketball basketballer basketballspieler basketballspielerin dribbeln person person mit ball sport sportler sportlerin
Mann mit Ball	ballsport handball mann mann mit ball
Frau mit Ball	ball ballsport basketball basketballspieler frau frau mit ball handball sport
Gewichtheber(in)	gewicht gewichtheber gewichtheber(in) gewichtheberin hantel muskeln person schwer sport stark training
Gewichtheber	gewicht heben gewichtheber mann
Gewichtheberin	frau gewicht heben gewichte heben gewichteheberin gewichtheberin
Radfahrer(in)	fahrrad person rad radeln radfahren radfahrer radfahrer(in) radfahrerin sport tour de france
Radfahrer	fahrrad mann rad radfahrer
Radfahrerin	fahrrad fahrradfahrerin frau frauen rad radeln radfahrerin radlerin
Mountainbiker(in)	fahrrad mountainbiker mountainbiker(in) mountainbikerin mountainbiking person rad radfahren radfahrer radfahrerin sport tour de france
Mountainbiker	fahrrad mann mountainbike mountainbiker rad
Mountainbikerin	fahrrad fahrradfahrerin frau mountain bike mountain bikerin mountainbike mountainbikerin rad radeln radfahrerin sport
Rad schlagende Person	akrobatik bodenturnen gymnastik person rad rad schlagen rad schlagende person radschlag sport turner turnerin
Rad schlagender Mann	akrobatik bodenturnen gymnastik mann person rad rad schlagen rad schlagender mann radschlag sport turner
Rad schlagende Frau	akrobatik bodenturnen frau gymnastik person rad rad schlagen rad schlagende frau radschlag sport turnerin
Ringer(in)	catchen catcher person ringen ringer ringer(in) ringkampf sport sportler wrestler wrestling
ringende Männer	catchen catcher männer ringen ringer ringkampf sport wrestler wrestling
ringende Frauen	catchen catcherin person ringen ringende frauen ringer ringerin ringkampf sport wrestlerin wrestling
Wasserballspieler(in)	person schwimmsport sport sportler sportlerin wasser wasserball wasserballspieler wasserballspieler(in) wasserballspielerin wassersport
Wasserballspieler	mann person schwimmsport sport sportler wasser wasserball wasserballspieler wassersport
Wasserballspielerin	ballspiele frau person schwimmsport sport sportlerin wasser wasserball wasserballspielerin wassersport
Handballspieler(in)	handball handballer handballerin handballspieler handballspieler(in) handballspielerin person schleudern sport sportler werfen
Handballspieler	handball handballspieler mann sport
Handballspielerin	frau handball handballerin handballspielerin person schleudern sport sportlerin werfen
Jongleur(in)	artist artistin geschickt jongleur jongleur(in) jongleurin jongleuse jonglieren multitasking person zirkus
Jongleur	artist entertainer geschickt jongleur jonglieren mann multitasking person unterhalter zirkus
Jongleurin	frau geschickt jongleurin jonglieren multitasking
Person im Lotossitz	burmesischer sitz frau lotussitz meditation person person im lotossitz person in lotussitz schneidersitz yoga zen
Mann im Lotossitz	mann im lotossitz meditation yoga
Frau im Lotossitz	frau im lotossitz meditation yoga
badende Person	bad baden badende person badewanne badezimmer dusche entspannen
im Bett liegende Person	bett gute nacht heia im bett liegende person müde nachtruhe schlaf schön schlafen zzz
sich an den Händen haltende Personen	händchen halten hände hände halten menschen paar personen pärchen sich an den händen haltende personen
Händchen haltende Frauen	frauen händchen halten händchen haltende frauen paar pärchen aus frau und frau
Mann und Frau halten Hände	frau händchen halten mann mann und frau halten hände paar pärchen aus frau und mann
Händchen haltende Männer	händchen halten händchen haltende männer männer paar pärchen aus mann und mann zwillinge
sich küssendes Paar	frau herz kuss küssen küssendes paar mann sich küssendes paar
sich küssendes Paar: Frau, Mann	frau herz kuss küssen küssendes paar mann sich küssendes paar
sich küssendes Paar: Mann, Mann	frau herz kuss küssen küssendes paar mann sich küssendes paar
sich küssendes Paar: Frau, Frau	frau herz kuss küssen küssendes paar mann sich küssendes paar
Liebespaar	frau herz liebe liebespaar mann paar
Liebespaar: Frau, Mann	frau herz liebe liebespaar mann paar
Liebespaar: Mann, Mann	frau herz liebe liebespaar mann paar
Liebespaar: Frau, Frau	frau herz liebe liebespaar mann paar
Familie: Mann, Frau und Junge	familie frau junge kind mann mutter vater
Familie: Mann, Frau und Mädchen	familie frau junge kind mann mutter mädchen vater
Familie: Mann, Frau, Mädchen und Junge	familie frau junge kind mann mutter mädchen vater
Familie: Mann, Frau, Junge und Junge	familie frau junge kind mann mutter vater
Familie: Mann, Frau, Mädchen und Mädchen	familie frau junge kind mann mutter mädchen vater
Familie: Mann, Mann und Junge	familie junge kind mann mutter vater
Familie: Mann, Mann und Mädchen	familie junge kind mann mutter mädchen vater
Familie: Mann, Mann, Mädchen und Junge	familie junge kind mann mutter mädchen vater
Familie: Mann, Mann, Junge und Junge	familie junge kind mann mutter vater
Familie: Mann, Mann, Mädchen und Mädchen	familie junge kind mann mutter mädchen vater
Familie: Frau, Frau und Junge	familie frau junge kind mutter vater
Familie: Frau, Frau und Mädchen	familie frau junge kind mutter mädchen vater
Familie: Frau, Frau, Mädchen und Junge	familie frau junge kind mutter mädchen vater
Familie: Frau, Frau, Junge und Junge	familie frau junge kind mutter vater
Familie: Frau, Frau, Mädchen und Mädchen	familie frau junge kind mutter mädchen vater
Familie: Mann, Junge	familie junge kind mann mutter vater
Familie: Mann, Junge und Junge	familie junge kind mann mutter vater
Familie: Mann, Mädchen	familie junge kind mann mutter mädchen vater
Familie: Mann, Mädchen und Junge	familie junge kind mann mutter mädchen vater
Familie: Mann, Mädchen und Mädchen	familie junge kind mann mutter mädchen vater
Familie: Frau, Junge	familie frau junge kind mutter vater
Familie: Frau, Junge und Junge	familie frau junge kind mutter vater
Familie: Frau, Mädchen	familie frau junge kind mutter mädchen vater
Familie: Frau, Mädchen und Junge	familie frau junge kind mutter mädchen vater
Familie: Frau, Mädchen und Mädchen	familie frau junge kind mutter mädchen vater
sprechender Kopf	gesicht kopf silhouette sprechen sprechend sprechende person sprechender kopf
Silhouette einer Büste	büste person silhouette einer büste
Silhouette mehrerer Büsten	büsten personen silhouette mehrerer büsten
sich umarmende Personen	abschied danke drücken drücker freundschaft hallo liebe sich umarmende personen tschüss umarmung
Familie	familie junge kind mutter vater
Familie: 2 Erwachsene, 1 Kind	erwachsene erwachsener familie kind
Familie: 2 Erwachsene, 2 Kinder	erwachsene erwachsener familie kind
Familie: 1 Erwachsene(r), 1 Kind	erwachsene erwachsener familie kind
Familie: 1 Erwachsene(r), 2 Kinder	erwachsene erwachsener familie kind
Fußabdrücke	abdruck auf dem weg fuß fußabdruck fußabdrücke
Affengesicht	affe affengesicht banane dschungel gesicht tier zoo
Affe	affe tier
Gorilla	affe gesicht gorilla tier
Orang-Utan	affe orang-utan tier
Hundegesicht	gesicht hund hundegesicht tier treu wau wuff
Hund	haustier hund tier wau wuff
Blindenhund	barrierefreiheit behinderung blind blindenhund hund sehbehindert tier
Assistenzhund	assistenz assistenzhund barrierefreiheit behinderung hund tier
Pudel	hund pudel tier
Wolf	gesicht tier wolf wolfsgesicht
Fuchs	fuchs fuchsgesicht gesicht tier
Waschbär	klug neugierig schlau tier waschbär
Katzengesicht	gesicht katze katzengesicht miau miez miezekatze tier
Katze	haustier katze miau tier
schwarze Katze	kater katze miau pech schwarz schwarze katze schwarzer kater tier unglück
Löwe	gesicht löwe löwengesicht sternzeichen tier tierkreis
Tigergesicht	gesicht raubkatze tier tiger tigergesicht
Tiger	tier tiger
Leopard	gepunktet leopard punkte raubkatze raubtier tier zoo
Pferdegesicht	gesicht pferd pferdegesicht pferdekopf tier
Elch	elch geweih säugetier tier
Esel	austreten dickschädel dummkopf esel maultier stur störrisch säugetier tier
Pferd	pferd rennen rennpferd tier
Einhorn	einhorn einhorngesicht gesicht
Zebra	streifen tier zebra
Hirsch	gesicht hirsch tier
Bison	bison büffel herde ochse tier wisent
Kuhgesicht	gesicht kuh kuhgesicht tier
Ochse	kuh ochse sternzeichen stier tier tierkreis
Wasserbüffel	büffel tier wasser wasserbüffel
Kuh	bauernhof kuh muh tier
Schweinegesicht	gesicht schwein schweinegesicht tier
Schwein	bauernhof sau schwein tier
Wildschwein	eber schwein tier wildschwein
Schweinerüssel	nase schwein schweinerüssel tier
Widder	schaf sternzeichen tierkreis widder
Schaf	bock mäh schaf tier widder wolle
Ziege	steinbock sternzeichen tier tierkreis ziege
Dromedar	dromedar einhöckrig kamel tier wüste
Kamel	kamel tier wüste zweihöckrig
Lama	alpaca alpaka anden kamel lama tier vicuña wolle
Giraffe	flecken giraffe tier
Elefant	elefant tier
Mammut	aussterben groß mammut natur stoßzahn tier wollig
Nashorn	nashorn rhinozeros tier
Nilpferd	flusspferd hippo nilpferd tier
Mäusegesicht	gesicht maus mausgesicht mäusegesicht nagetier tier
Maus	maus nage tier
Ratte	nagetier ratte tier
Hamster	gesicht hamster hamstergesicht tier
Hasengesicht	gesicht hase hasengesicht kaninchen karnickel langohr mümmelmann nager nagetier tier
Hase	hase kaninchen karnickel mümmelmann nagetier tier
Streifenhörnchen	streifenhörnchen tier
Biber	biber biberschwanz biberzahn damm natur otter tier
Igel	igel stachelig stacheln tier
Fledermaus	fledermaus tier vampir
Bär	bär bärengesicht gesicht tier
Eisbär	arktis eisbär nordpol weiß
Koala	koala koalabär koalagesicht tier
Panda	gesicht panda pandabär pandagesicht tier
Faultier	faul faultier langsam tier träge
Otter	fischen otter tier verspielt
Stinktier	skunk stinken stinktier tier
Känguru	australien beuteltier down under hüpfen känguru quokka skippy springen tier wallaby
Dachs	dachs dachse frechdachs honigdachs ratel tier
Tatzenabdrücke	abdruck tatzen tatzenabdrücke tier
Truthahn	geflügel pute thanksgiving truthahn
Huhn	geflügel henne huhn tier tierkopf
Hahn	hahn tier
schlüpfendes Küken	ei küken küken in eierschale piep schlüpfen schlüpfendes küken tier vogel
Küken	küken kükenkopf tier
Küken von vorne	geflügel küken küken in frontansicht küken von vorne tier
Vogel	papagei taube tier vogel vogelkopf
Pinguin	pinguin pinguinkopf tier vogel
Taube	fliegen friede frieden friedenstaube taube vogel
Adler	adler tier vogel
Ente	ente tier vogel
Schwan	hässliches entlein schwan tier vogel
Eule	eule raubvogel tier uhu vogel weise
Dodo	aussterben dodo dronte groß mauritius natur tier vogel
Feder	feder federleicht federn fliegen gefieder leicht vogelfeder
Flamingo	bunt farbenfroh flamingo rosa tier tropen tropisch vogel
Pfau	bunt pfau stolz stolzieren tier vogel
Papagei	ausplaudern papagei pirat plappern sprechen tier vogel wiederholen
Flügel	engel engelsflügel federn fliegen flug flügel himmlisch mythologie vogel
schwarzer Vogel	amsel krächzen krähe rabe schnabel schwarz schwarzer vogel tier vogel
Gans	blöd dumm dumme gans gans ganter geflügel gänserich schnattern tier vogel
Phönix	asche fabelwesen fantasy feuer feuervogel phönix reinkarnation tier vogel wiedergeburt
Frosch	frosch froschgesicht gesicht grün quak tier
Krokodil	krokodil reptil schnappi tier
Schildkröte	schildkröte tier
Eidechse	eidechse reptil
Schlange	schlange schlangenträger sternzeichen tier tierkreis
Drachengesicht	drache drachengesicht gesicht märchen tier
Drache	chinesisch neujahr drache märchen tier
Sauropode	brachiosaurus brontosaurus dino dinosaurier diplodocus saurier sauropode
T-Rex	dino dinosaurier saurier t-rex tree tyrannosaurus rex
blasender Wal	blasender wal meer ozean tier wal
Wal	ozean tier wal
Delfin	delfin meer ozean strand tier
Seehund	meer ozean robbe seehund seelöwe tier
Fisch	aquarium fisch fische meehr sternzeichen tier tierkreis
Tropenfisch	fisch tier tropenfisch
Kugelfisch	fisch kugelfisch kugelrund meer tier
Hai	fisch hai haifisch meer tier
Oktopus	krake meer oktopus tier tintenfisch
Schneckenhaus	muschel schneckenhaus strand tier
Koralle	great barrier reef klimawandel koralle korallenriff meer ozean riff tier
Qualle	autsch brennen gallert glibber meer meeresbewohner meerestier nesseltier ozean qualle tentakeln
Krebs	krabbe krebs meer sternzeichen strand tierkreis
Hummer	hummer lobster meeresfrucht meeresfrüchte meerestier scheren tier
Garnele	garnele gourmet krustentier meeresfrucht shrimp
Tintenfisch	kalmar tier tintenfisch
Auster	auster meer muschel perle tauchen tier
Schnecke	langsam schnecke tier
Schmetterling	insekt schmetterling schön
Raupe	gefräßig insekt raupe tier
Ameise	ameise insekt tier
Biene	biene honig honigbiene hummel insekt maja natur summ tier
Käfer	insekt krabbeltier käfer minzkäfer tier wanze
Marienkäfer	glückskäfer insekt krabbel käfer marienkäfer punkte tier
Grille	grashüpfer grille heuschrecke insekt tier zikade
Kakerlake	insekt kakerlake krabbeln krabbeltier käfer küchenschabe la cucaracha schabe tier
Spinne	insekt spinne tier
Spinnennetz	netz spinne spinnennetz
Skorpion	horoskop skorpion sternzeichen tierkreis
Mücke	biss fieber insekt insektenbiss insektenstich krankheit malaria moskito mücke schnake stechmücke stich tier virus
Fliege	fliege fliegen insekt krankheit made mücke plage schmeißfliege tier verwesen
Wurm	insekt natur parasit regenwurm ringelwurm tier wurm
Mikrobe	amöbe amöben bakterie bakterien einzeller medizin mikrobe virus wissenschaft
Blumenstrauß	blumen blumenstrauß bouquet
Kirschblüte	blume blüte kirschblüte kirsche pflanze
Blumenstempel	blume blumenstempel
Lotusblüte	blume buddhismus erleuchtung gleichmut hinduismus liebe lotosblume lotusblüte pflanze reinheit ruhe schönheit
Rosette	pflanze rosette
Rose	blume blüte pflanze rose
welke Blume	am sterben blume sterbend verwelkt welk welke blume welkende blume
Hibiskus	blume blüte hibiskus pflanze rosa
Sonnenblume	blume blüte pflanze sonne sonnenblume
gelbe Blüte	blume blüte gelbe blüte pflanze
Tulpe	blume blüte pflanze tulpe
Hyazinthe	blaue wiesenlupine blume blühen blüte frühling hyazinthe lavendel lila lupine löwenmaul pflanze violett
Spross	junge pflanze spross
Topfpflanze	dekor grünpflanze haus pflanze pflegen topfpflanze wachsen zimmerpflanze
Nadelbaum	baum nadelbaum pflanze tannenbaum
Laubbaum	baum blätter grün laub laubbaum pflanze wald
Palme	baum kokusnuss oase palme pflanze strand tropen
Kaktus	dürre kaktus natur pflanze trockenzeit wüste
Reisähre	pflanze reis reispflanze reisähre ähre
Kräuter	blätter kräuter pflanze
Kleeblatt	grün kleeblatt pflanze
Glücksklee	blatt glück glücksklee klee kleeblatt pflanze silverster vier vierblättrig vierblättriges kleeblatt
Ahornblatt	ahorn ahornblatt blatt herbst laub pflanze
Laub	blatt blätter fallendes laub herbst laub pflanze
Blätter im Wind	blatt blätter blätter im wind laub pflanze wind
leeres Nest	heim leeres nest nest nestbau nisten vogelnest zuhause
Nest mit Eiern	heim nest nest mit blauen eiern nest mit eiern nestbau nisten vogelnest zuhause
Fliegenpilz	fliegenpilz giftig pilz
Trauben	frucht obst traube trauben wein
Honigmelone	cantaloupe frucht honigmelone melone obst
Wassermelone	frucht melone obst wasser wassermelone
Mandarine	apfelsine frucht mandarine obst orange vitamin
Zitrone	frucht obst sauer zitrone zitrusfrucht
Limette	cocktail essen frucht limette obst saft sauer tequila tropisch zitrusfrucht
Banane	banane frucht obst schale
Ananas	ananas frucht obst
Mango	essen frucht früchte mango obst shaker tropisch
roter Apfel	apfel frucht obst rot roter apfel
grüner Apfel	apfel frucht gesund grün grüner apfel obst
Birne	birne frucht obst
Pfirsich	frucht obst pfirsich
Kirschen	frucht kirsche kirschen obst
Erdbeere	beere erdbeere essen frucht obst
Blaubeeren	beere blau blaubeere blaubeeren essen frucht heidelbeere heidelbeeren lebensmittel nahrung obst
Kiwi	frucht kiwi obst
Tomate	essen gemüse obst tomate
Olive	essen grün lebensmittel nahrung olive olivenzweig olivenöl zweig
Kokosnuss	colada essen frucht kokosnuss palme piña
Avocado	avocado essen frucht
Aubergine	aubergine gemüse
Kartoffel	essen gemüse kartoffel
Karotte	gemüse karotte mohrrübe möhre
Maiskolben	gemüse mais maiskolben
Peperoni	chili paprika peperoni pfeffer pflanze scharf
Paprika	essen gemüse gemüsepaprika grün lebensmittel nahrung paprika peperoni
Gurke	essen gemüse gurke scheiben
Blattgemüse	blattgemüse blattgrün essen gemüse grünkohl grünzeug kohl kraut mangold pak choi pok choi salat salatblatt spinat
Brokkoli	broccoli brokkoli essen gemüse gemüsekohl kohl
Knoblauch	essen geschmack knoblauch lebensmittel nahrung würze zutat
Zwiebel	essen geschmack gewürz lebensmittel nahrung würze zwiebel
Erdnuss	erdnuss essen
Bohnen	bohne bohnen essen gemüse hülsenfrucht kidney-bohne kidneybohne lebensmittel
Kastanie	kastanie marone
Ingwer	gesund gewürz ginger ale ingwer ingwerbier scharf wurzel würzig
Erbsenschote	bohne edamame erbse erbsen erbsenschote essen gemüse hülsenfrucht hülsenfrüchte schote
brauner Pilz	braun essen fungus gemüse lebensmittel natur pflanze pilz wald
Brot	brot brotlaib essen kohlenhydrate laib brot toast weizen weißbrot
Croissant	corissant croissant französisch frühstück frühstückshörnchen
Baguette	baguette brot französisch frühstück
Fladenbrot	arepa brot essen fladenbrot lavasch lebensmittel naan nahrung pita
Brezel	brezel brezen brezn essen gedreht oktoberfest
Bagel	backwaren bagel brötchen bäckerei essen frühstück pausenbrot
Pfannkuchen	crepe eierpfannkuchen essen pfannkuchen
Waffel	essen lebensmittel nahrung waffel waffel mit butter
Käsestück	käse käsestück
Fleischhachse	fleisch fleischhachse knochen restaurant
Hähnchenschenkel	fleisch geflügel hähnchenschenkel hühnerbein restaurant
Fleischstück	essen fleisch fleischstück kotelett lammkotelett rot schnitzel schweinekotelett steak
Bacon	bacon essen frühstücksspeck speck speckstreifen
Hamburger	burger fast food hamburger restaurant
Pommes frites	fritten pommes pommes frites
Pizza	pizza pizzastück pizzeria
Hotdog	essen frankfurter hot dog hotdog wurst würstchen
Sandwich	brot essen sandwich
Taco	essen mexikanisch taco
Burrito	burrito essen mexikanisch
Tamale	burrito eingewickelt essen lebensmittel mexikanisch streetfood tamale wrap
Döner	döner döner kebab falafel wrap
Falafel	bällchen essen falafel fleischbällchen kichererbsen lebensmittel nahrung
Ei	ei frühstück frühstücksei
Spiegelei in Bratpfanne	braten bratpfanne kochen pfanne spiegelei spiegelei in bratpfanne
Pfannengericht	essen paella pfannengericht reispfanne
Topf mit Essen	eintopf gericht schüssel suppe topf mit essen
Fondue	essen fondue geschmolzen käse schokolade schweizerisch topf
Schüssel mit Löffel	brei cerealien essen frühstück haferbrei reisbrei schüssel schüssel mit löffel suppe
Salat	blattgemüse essen gesund grün salat
Popcorn	kino popcorn snack
Butter	butter essen lebensmittel milchprodukt nahrung
Salz	gesalzen geschmack gewürz salz salzig salzstreuer würze zutat
Konserve	büchse dose essen konserve
Bento-Box	bento bento-box japanisches essen sushi
Reiscracker	cracker reiscracker
Reisbällchen	essen japanisch reis reisbällchen
Reis in Schüssel	essen reis reis in schüssel
Reis mit Curry	curry reis reis mit curry
Schüssel und Essstäbchen	chinesisches essen dampfend eiernudeln nudeln schüssel schüssel und essstäbchen stäbchen suppe
Spaghetti	essse nudeln mit tomatensoße pasta restaurant spaghetti
geröstete Süßkartoffel	essen gemüse geröstet süßkartoffel
Oden	japanisches gericht oden restaurant
Sushi	japanisches gericht restaurant sushi
frittierte Garnele	frittierte garnele garnele restaurant tempura
Fischfrikadelle	fisch fischfrikadelle restaurant spirale
Mondkuchen	essen fest festival herbst kuchen mondfest mondkuchen pinyin yuebing
Dango	dango japanisches gericht mochi-kugeln auf einem spieß restaurant
Teigtasche	chinesische teigtasche dumpling empanada essen gyōza jiaozi kloß pierogi potsticker teigtasche
Glückskeks	essen glückskeks prophezeiung
Takeaway-Schachtel	chinesisches essen essen stäbchen takeaway-box takeaway-schachtel
Softeis	eis softeis
Wassereis	eis sorbet wassereis zerstoßen
Eiscreme	eis eisbecher eiscreme eisdiele
Donut	donut doughnut essen kuchen süß
Keks	cookie keks plätchen
Geburtstagskuchen	essen feier geburtstag geburtstagskuchen geburtstagstorte happy birthday kerzen kuchen lebensmittel torte
Torte	kuchen kuchenstück stück torte torte tortenstück
Cupcake	bäckerei cupcake dessert essen gebäck kalorienbombe konditorei muffin nachspeise streusel süß zucker
Kuchen	essen füllung gebäck kuchen pastete torte
Schokoladentafel	essen schokolade schokoladentafel süßigkeit
Bonbon	bonbon süß süßigkeit
Lutscher	lolli lutscher süßigkeit
Pudding	dessert flan nachspeise nachtisch pudding schokolade soße
Honigtopf	honig honigtopf süß
Babyflasche	baby babyflasche flasche fläschchen kind milch trinken
Glas Milch	getränk glas milch trinken
Heißgetränk	cafe dampfend getränk heiß heißgetränk kaffee tasse tee trinken
Teekanne	getränk kanne lebensmittel tee tee brühen teekanne teekrug trinken
Teetasse ohne Henkel	getränk grüner tee oolong schale tee teetasse teetasse ohne henkel
Sake-Flasche mit Tasse	flasche getränk sake sake-flasche mit tasse sake-flasche und -tasse tasse trinken
Flasche mit knallendem Korken	champagner flasche flasche mit knallendem korken getränk knallen korken sekt trinken
Weinglas	alkohol bar glas wein weinglas
Cocktailglas	bar cocktail cocktailglas drink martini
Cocktail	bar cocktail exotisches getränk
Bierkrug	bar bier bierkrug krug oktoberfest prost weizenbier
Bierkrüge	anstoßen bier bierkrüge oktoberfest prosit prost weizen
Sektgläser	anstoßen feier feiern getränk gläser prost sekt sektgläser
Trinkglas	bar schnaps trinkglas whiskey
Flüssigkeit ausgießen	ausleeren flüssigkeit ausgießen getränk gießen glas leer missgeschick tropfende flüssigkeit verschütten
Becher mit Strohhalm	becher becher mit strohhalm brause erfrischung saft selters soda strohhalm trinken trinkhalm wasser
Bubble Tea	blase bubble tea essen getränk lebensmittel milch perle taiwan tee
Trinkpäckchen	fruchtsaft getränk obstsaft saft saftpackung trinkpäckchen
Mate-Tee	getränk mate-tee tee
Eiswürfel	eisberg eiswürfel gefroren kalt kühlen würfel
Essstäbchen	chinesisches essen essen essstäbchen hashi japanisches essen stäbchen
Teller mit Messer und Gabel	gabel geschirr kochen messer teller teller mit messer und gabel
Messer und Gabel	abendessen besteck essen frühstück gabel gabel und messer geschirr hunger lecker messer messer und gabel mittagessen restaurant
Löffel	besteck löffel
Küchenmesser	küchenmesser messer schneiden
Einmachglas	einmachglas einweckglas essen gewürzglas leer leerer behälter leeres einweckglas leeres glas marmeladeglas schraubglas
Amphore	amphore gefäß kochen krug sternzeichen tierkreis trinken vase wassermann
Globus mit Europa und Afrika	afrika erde europa globus mit europa und afrika weltkugel
Globus mit Amerika	erde globus globus mit amerika nordamerika südamerika weltkugel
Globus mit Asien und Australien	asien australien erde globus globus mit asien und australien weltkugel
Globus mit Meridianen	breitengrad globus mit meridianen längengrad
Weltkarte	karte landkarte reisen welt weltkarte
Umriss von Japan	japan karte umriss von japan
Kompass	himmelsrichtung kompass magnetisch navigation orientierung richtung windrose
schneebedeckter Berg	berg gebirge kalt schnee schneebedeckter berg
Berg	berg gebirge
Vulkan	ausbruch berg lava vulkan vulkanausbruch wetter
Fuji	berg fuji vulkan
Camping	campen camping zelt zelten
Strand mit Sonnenschirm	meer sonnenschirm strand strand mit sonnenschirm
Wüste	heiß wüste
einsame Insel	einsam einsame insel insel meer palme strand verlassen
Nationalpark	berg fluss nationalpark natur park schutzgebiet
Stadion	arena stadion
antikes Gebäude	antik antikes gebäude gebäude klassizistisch
Kran	bau bauen kran
Ziegelstein	bauen grenze klinker mauer mauerwerk mörtel wand ziegel ziegelstein ziegelsteine zugemauert
Felsen	felsen felsig hart natur schwer stein steinig
Holz	baumstamm feuerholz holz holzig holzscheite lagerfeuer
Hütte	behausung gebäude haus hütte jurte objekt rundhaus schutz
Wohnhäuser	dorf gebäude haus häuser wohnhaus wohnhäuser wohnsiedlung
verfallenes Haus	gebäude haus heruntergekommen verfallen verfallenes haus verlassen verlassenes haus
Haus	gebäude haus zuhause
Haus mit Garten	baum haus haus mit baum haus mit garten
Bürogebäude	bürogebäude hochhaus
japanisches Postgebäude	japan japanisches postgebäude post
Postgebäude	europa europäisches postgebäude post postgebäude
Krankenhaus	ambulanz arzt gebäude krank krankenhaus medizin notaufnahme
Bank	bank gebäude geld
Hotel	gebäude hotel unterkunft übernachten
Stundenhotel	gebäude hotel liebe stundenhotel unterkunft
Minimarkt	einkaufen gebäude geschäft lebensmittel minimarkt
Schule	gebäude schule schulgebäude
Kaufhaus	einkaufen gebäude geschäft kaufhaus shoppen
Fabrik	fabrik fabrikgebäude gebäude
japanisches Schloss	bauwerk gebäude japan japanisch japanisches schloss schloss
Schloss	bauwerk burg europa europäisch gebäude märchen märchenschloss schloss
Hochzeit	herz hochzeit kirche
Tokyo Tower	fernsehturm tokio tokyo tower
Freiheitsstatue	amerika freiheit freiheitsstatue
Kirche	christ christentum christlich gebäude kirche kreuz religion
Moschee	islam moschee moslem muslim religion
Hindutempel	gebäude hindu hindutempel tempel
Synagoge	jude jüdisch religion synagoge tempel
Shinto-Schrein	religion schrein shinto shinto-schrein
Kaaba	hajj islam kaaba moslem muslim religion
Springbrunnen	brunnen garten park springbrunnen
Zelt	camping campingurlaub zelt zeltplatz
neblig	nebel wetter
Sternenhimmel	city hochhäuser nacht skyline stadt sterne sternenhimmel
Skyline	gebäude großstadt hochhäuser häuser skyline stadt wolkenkratzer
Sonnenaufgang über Bergen	berge sonnenaufgang sonnenaufgang über bergen
Sonnenaufgang über dem Meer	meer sonnenaufgang sonnenaufgang über dem meer
Abendstimmung in der Stadt	abendstimmung in der stadt hochhäuser new york skyline sonnenaufgang sonnenuntergang wolkenkratzer
Sonnenuntergang in der Stadt	großstadt hochhäuser morgenrot sonnenaufgang sonnenuntergang sonnenuntergang in der stadt wolkenkratzer
Brücke vor Nachthimmel	brücke brücke vor nachthimmel golden gate nacht nachts
heiße Quellen	dampf dampfend heiß heiße quelle heiße quellen quelle quellen
Karussellpferd	karussell karussellpferd pferd reiten
Spielplatzrutsche	rutschbahn rutsche spielen spielplatz spielplatzrutsche vergnügungspark
Riesenrad	freizeitpark rad riesenrad volksfest
Achterbahn	achterbahn freizeitpark volksfest
Barbershop-Säule	barbershop-säule friseur herrenfriseur säule
Zirkuszelt	unterhaltung zelt zirkus zirkuszelt
Dampflokomotive	bahn dampf dampflok dampflokomotive fahrzeug lokomotive schiene zug
Eisenbahnwagen	eisenbahnwagen fahrzeug straßenbahn straßenbahnwagen tram wagen waggon wagon zug
Hochgeschwindigkeitszug mit spitzer Nase	hochgeschwindigkeitszug mit spitzer nase ice shinkansen tgv zug
Hochgeschwindigkeitszug	bahn hochgeschwindigkeitszug japan shinkansen zug
Zug	bahn eisenbahn ice zug
U-Bahn	metro u-bahn
S-Bahn	bahn ice monorail s-bahn zug
Bahnhof	bahn bahnhof zug
Straßenbahn	straßenbahn tram verkehrsmittel
Einschienenbahn	bahn einschienenbahn magnetschwebebahn monorail
Bergbahn	bahn bergbahn bimmelbahn zug
Straßenbahnwagen	straßenbahn straßenbahnwagen tram tramwagen transport verkehrsmittel waggon
Bus	bus fahrzeug schulbus
Bus von vorne	bus bus von vorne verkehrsmittel vorderansicht bus
Oberleitungsbus	oberleitungsbus straßenbahn trolleybus
Kleinbus	bus fahrzeug kleinbus
Krankenwagen	ambulanz krankenwagen notfall
Feuerwehrauto	brand feuerwehrauto löschfahrzeug
Polizeiwagen	polizei polizeiwagen streifenwagen
Polizeiwagen von vorne	polizei polizeiwagen von vorne streifenwagen vorderansicht polizeiwagen
Taxi	auto fahrzeug taxi
Taxi von vorne	auto fahren gelb taxi taxi von vorne vorderansicht taxi
Auto	auto fahren fahrzeug rot verkehr
Auto von vorne	auto auto von vorne automobil fahrzeug rot vorderansicht auto
Wohnmobil	auto blau fahren verreisen wohnmobil
Pick-up	auto fahren fahrzeug laster lastwagen lieferwagen lkw pick-up transport
Lieferwagen	lastwagen lieferwagen lkw
Sattelzug	lastwagen lkw sattelzug umziehen ziehen um
Traktor	bauernhof landwirtschaft traktor trecker
Rennauto	autorennen rennauto
Motorrad	moped motorrad motorrennen
Motorroller	motoroller motorroller roller vespa
manueller Rollstuhl	barrierefreiheit behinderung manueller rollstuhl rollstuhl
elektrischer Rollstuhl	barrierefreiheit behinderung elektrischer rollstuhl rollstuhl
Autorikscha	autorikscha fahrzeug tuk-tuk
Fahrrad	bmx fahrrad rad radeln radler spinning
Tretroller	roller tretroller
Skateboard	board brett räder skateboard skateboard fahren skaten skater
Rollschuh	rollen rollerskate rollschuh rollschuh laufen schuh sport
Bushaltestelle	bus bushaltestelle haltestelle
Autobahn	autobahn schnellstraße
Bahngleis	bahn bahngleis gleise schienen
Ölfass	fass öl ölfass
Tanksäule	benzin tanke tanken tankstelle tanksäule
Autorad	autorad autoreifen drehen rad reifen reifen mit felgen rotieren
Polizeilicht	polizei polizeilicht sirene
horizontale Verkehrsampel	ampel horizontale verkehrsampel verkehrsampel vertikal
vertikale Verkehrsampel	ampel horizontal verkehrsampel vertikale verkehrsampel
Stoppschild	achteckig schild stopp stoppschild
Baustellenabsperrung	baustelle baustellenabsperrung baustellenschild schild
Anker	anker hafen meer
Rettungsring	leben retten lebensretter retten rettung rettungsring schwimmring sicherheit
Segelboot	boot segelboot
Kanu	boot kanu wassersport
Schnellboot	boot luxus schnellboot see sommer wasser yacht
Passagierschiff	aida passagierschiff rundreise schiff seereise traumschiff
Fähre	fähre schiff
Motorboot	boot motorboot schiff
Schiff	dampfer kreuzfahrtschiff schiff traumschiff
Flugzeug	flieger flugzeug
kleines Flugzeug	flugzeug klein kleines flugzeug privatjet
Abflug	abflug fliegen flughafen flugzeug start start eines flugzeugs
Landung eines Flugzeugs	ankunft flieger flughafen flugzeug landen landung landung eines flugzeugs
Fallschirm	fallschirm fallschirmspringen paragliding skydiving sport
Sitzplatz	bus flugzeug sitz sitzplatz zug
Hubschrauber	fliegen helikopter hubschrauber reisen
Schwebebahn	hängebahn schwebebahn
Bergschwebebahn	bergschwebebahn schwebebahn
Bergseilbahn	bergseilbahn gondel seilbahn
Satellit	satellit sputnik weltraum
Rakete	all rakete weltraum
fliegende Untertasse	alien außerirdisch fliegende untertasse ufo
Rezeptionsklingel	klingel rezeptionsklingel
Gepäck	ballast gepäck hartschalenkoffer koffer reise trolley-tasche
Sanduhr	prozess sanduhr vorgang läuft zeit
laufende Sanduhr	laufende sanduhr prozess sanduhr vorgang läuft
Armbanduhr	armbanduhr uhr zeit
Wecker	uhr uhrzeit wecker zeit
Stoppuhr	stoppuhr uhr zeit
Zeitschaltuhr	timer uhr zeitschaltuhr
Kaminuhr	kaminuhr tick tack uhr
Ziffernblatt 12:00 Uhr	0 uhr 12 12:00 uhr mittag mitternacht uhr ziffernblatt 12.00 uhr ziffernblatt 12:00 uhr zwölf uhr
12:30 Uhr	00:30 halb eins uhr zeit ziffernblatt 12.30 uhr ziffernblatt 12:30 uhr
1:00 Uhr	01:00 1 13:00 1:00 uhr punkt eins uhr zeit ziffernblatt 1.00 uhr ziffernblatt 1:00 uhr
1:30 Uhr	1 uhr 30 1:30 uhr halb zwei uhr ziffernblatt 1.30 uhr ziffernblatt 1:30 uhr
2:00 Uhr	2 2:00 uhr uhr zeit ziffernblatt 2.00 uhr ziffernblatt 2:00 uhr
2:30 Uhr	2:30 uhr halb drei uhr zeit ziffernblatt 2.30 uhr ziffernblatt 2:30 uhr
3:00 Uhr	3 3:00 uhr uhr zeit ziffernblatt 3.00 uhr ziffernblatt 3:00 uhr
3:30 Uhr	3:30 uhr halb vier uhr ziffernblatt 3.30 uhr ziffernblatt 3:30 uhr
4:00 Uhr	4 4:00 uhr uhr zeit ziffernblatt 4.00 uhr ziffernblatt 4:00 uhr
4:30 Uhr	04:30 16:30 4:30 uhr halb fünf uhr zeit ziffernblatt 4.30 uhr ziffernblatt 4:30 uhr
5:00 Uhr	05:00 17:00 5 5:00 uhr punkt fünf uhr zeit ziffernblatt 5.00 uhr ziffernblatt 5:00 uhr
5:30 Uhr	05:30 17:30 5:30 uhr halb sechs uhr ziffernblatt 5.30 uhr ziffernblatt 5:30 uhr
6:00 Uhr	6 6:00 uhr uhr zeit ziffernblatt 6.00 uhr ziffernblatt 6:00 uhr
6:30 Uhr	6:30 uhr halb sieben uhr ziffernblatt 6.30 uhr
7:00 Uhr	7 7:00 uhr uhr ziffernblatt 7.00 uhr ziffernblatt 7:00 uhr
7:30 Uhr	7:30 uhr halb acht uhr zeit ziffernblatt 7.30 uhr ziffernblatt 7:30 uhr
8:00 Uhr	8 8:00 uhr uhr um 8 zeit ziffernblatt 8.00 uhr ziffernblatt 8:00 uhr
8:30 Uhr	8:30 uhr halb neun uhr ziffernblatt 8.30 uhr ziffernblatt 8:30 uhr
9:00 Uhr	9 9:00 uhr uhr zeit ziffernblatt 9.00 uhr ziffernblatt 9:00 uhr
9:30 Uhr	9:30 uhr halb zehn uhr zeit ziffernblatt 9.30 uhr ziffernblatt 9:30 uhr
10:00 Uhr	10 10:00 uhr uhr zeit ziffernblatt 10.00 uhr ziffernblatt 10:00 uhr
10:30 Uhr	10:30 uhr halb elf uhr ziffernblatt 10.30 uhr ziffernblatt 10:30 uhr
11:00 Uhr	11 11:00 uhr uhr zeit ziffernblatt 11.00 uhr ziffernblatt 11:00 uhr
11:30 Uhr	11:30 uhr halb zwölf uhr zeit ziffernblatt 11.30 uhr ziffernblatt 11:30 uhr
Neumond	mond neumond
erstes Mondviertel	erstes mondviertel mond zunehmend
zunehmender Halbmond	halbmond mond zunehmend zunehmender halbmond
zweites Mondviertel	mond zunehmend zweites mondviertel
Vollmond	mond vollmond
drittes Mondviertel	abnehmend drittes mondviertel mond
abnehmender Halbmond	abnehmend abnehmender halbmond halbmond
letztes Mondviertel	abnehmend letztes mondviertel mond nacht
Mondsichel	mond mondsichel nacht
Neumond mit Gesicht	gesicht mond mondgesicht neumond neumond mit gesicht
Mondsichel mit Gesicht links	gesicht mond mondsichel mondsichel mit gesicht links weltall
Mondsichel mit Gesicht rechts	gesicht mondsichel mondsichel mit gesicht rechts nacht
Thermometer	temperatur thermometer wetter
Sonne	sonne sonnenstrahlen sonnig strahlen wetter
Vollmond mit Gesicht	gesicht vollmond vollmond mit gesicht
Sonne mit Gesicht	gesicht sonne sonne mit gesicht sonnengesicht sonnenschein
Ringplanet	gasplanet himmelskörper planet ringplanet saturn
weißer mittelgroßer Stern	astronomie gelber stern himmel stern weißer mittelgroßer stern
funkelnder Stern	funkeln funkelnder stern glitzern stern
Sternschnuppe	himmel sternschnuppe
Milchstraße	galaxie milchstraße universum
Wolke	wetter wolke wolkig
Sonne hinter Wolke	sonne sonne hinter wolke wolke wolkig
Wolke mit Blitz und Regen	blitz gewitter regen wetter wolke wolke mit blitz und regen wolkig
Sonne hinter kleiner Wolke	bewölkt kleine wolke sonne sonne hinter kleiner wolke wetter wolke
Sonne hinter großer Wolke	bewölkt große wolke sonne sonne hinter großer wolke wetter wolke
Sonne hinter Regenwolke	regenwolke sonne sonne hinter regenwolke wetter
Wolke mit Regen	regen regenwolke wetter wolke wolke mit regen
Wolke mit Schnee	kalt schnee wetter wolke wolke mit schnee
Wolke mit Blitz	blitz gewitter wetter wolke wolke mit blitz
Wirbelsturm	tornado wetter wirbelsturm
Nebel	nebel neblig wetter
Wind	wetter wind windig
Wirbel	spirale wirbel wirbelsturm
Regenbogen	regenbogen wetter
geschlossener Regenschirm	geschlossener regenschirm regen regenschirm
Regenschirm	bekleidung regen regenschirm wetter
Regenschirm im Regen	regen regenschirm regenschirm im regen
aufgestellter Sonnenschirm	aufgestellt aufgestellter sonnenschirm sonnenschirm strand
Hochspannung	blitz elektrizität gefahr gewitter hochspannung hochspannungszeichen strom
Schneeflocke	flocke kalt schnee schneeflocke schneien wetter winter
Schneemann im Schnee	schnee schneemann schneemann im schnee
Schneemann ohne Schneeflocken	kalt schnee schneemann schneemann ohne schneeflocken winter
Komet	komet weltall
Feuer	brennen feuer flamme heiß
Tropfen	schweiß tropfen träne wasser wassertropfen
Welle	meer welle
Halloweenkürbis	halloween halloweenkürbis herbst kürbis kürbislaterne
Weihnachtsbaum	baum tanne weihnachten weihnachtsbaum
Feuerwerk	feuerwerk silvester
Wunderkerze	feiern feuerwerk party wunderkerze
Feuerwerkskörper	dynamit explosion explosiv feuer feuerwerk feuerwerkskörper funken knall knallen knaller kracher silvester sprengen sprengstoff zündstoff
funkelnde Sterne	* funkel funkeln funkelnde sterne sterne
Luftballon	ballon feier geburtstag luftballon
Konfettibombe	böller feier juhu knaller konfetti konfettibombe party super yay
Konfettiball	feier konfetti konfettiball party
Tanabata-Baum	baum fest japan sternenfest tanabata-baum zettel
Piniendekoration	japan neujahrsfest piniendekoration
japanische Puppen	japanische puppen puppenfest japan
traditionelle japanische Windsäcke	feier karpfen traditionelle japanische windsäcke windsäcke
japanisches Windspiel	bimmel feier glocke japanisches windspiel wind
traditionelles Mondfest	japan mond mondfest traditionelles mondfest
roter Umschlag	geld geschenk glück hong bao hongbao roter umschlag
pinke Schleife	feier geschenk pink rosa schleife
Geschenk	feier geburtstag geschenk schachtel schleife verpackt weihnachten überraschung
Gedenkschleife	gedenkschleife schleife
Eintrittskarten	billet eintrittskarte eintrittskarten ticket
Ticket	konzert ticket unterhaltung
Militärorden	militärorden orden
Pokal	bundesliga champion gewinnen pokal preis sieger sport trophäe
Sportmedaille	gewinn goldmedaille medaille sportmedaille
Goldmedaille	erster gewinn goldmedaille medaille 1. platz
Silbermedaille	medaille 2. platz silbermedaille zweiter
Bronzemedaille	bronzemedaille dritter medaille 3. platz
Fußball	ball bundesliga fußball messi
Baseball	ball baseball
Softball	ball baseball handschuh softball sport unterarm werfen
Basketball	ball basketball korb sport
Volleyball	ball sport volleyball
Football	american football amerika ball football sport super bowl
Rugbyball	ball rugby rugbyball sport
Tennisball	ball sport tennis tennisball
Frisbee	disc disk fliegende untertasse frisbee scheibe ultimate
Bowling	bowling bowlingkugel kugel spiel
Kricket	ball cricket kricket schläger
Feldhockey	feldhockey hockey schläger
Eishockey	eishockey eishockey-schläger und puck hockey puck schläger
Lacrosse	ball lacrosse schläger sport stick stock tor
Tischtennis	ball ping pong schläger spiel sport tischtennis
Badminton	badminton federball schläger
Boxhandschuh	boxen boxhandschuh handschuh sport
Kampfsportanzug	judo kampfkunst kampfsport kampfsportanzug karate taekwondo
Tor	fußball netz sport tor
Golffahne	golffahne golfplatz
Schlittschuh	eislauf schlittschuh
Angel mit Fisch	angel mit fisch angeln entspannung
Tauchmaske	schnorcheln schwimmen sport sporttauchen tauchen tauchmaske
Laufshirt	laufen laufshirt laufshirt mit schärpe schärpe sport
Ski	ski ski und stöcke
Schlitten	rodel rodeln schlitten schnee
Curlingstein	curlingstein spiel sport stein
Darts	dart darts pfeil spiel volltreffer zielscheibe
Jo-Jo	jo-jo spielzeug yo-yo
Drachen	drachen fliegen hochfliegen steigen wind
Wasserpistole	pistole revolver waffe wasserpistole
Billardkugel	8-ball billard billardkugel kugel schwarz spiel
Kristallkugel	kristallkugel wahrsager zukunft
Zauberstab	abrakadabra hexe hexer magie magisch wunder zauberei zauberer zauberin zaubern zauberstab
Gamepad	gamepad gaming unterhaltung videospiel
Joystick	gaming joystick videospiel
Spielautomat	glücksspiel spiel spielautomat
Spielwürfel	casino spiel spielwürfel unterhaltung würfel würfeln zufall
Puzzleteil	bestandteile hinweise hobby passen puzzeln puzzle puzzlestück puzzleteil puzzleteile spiel teile zusammenpassen zusammensetzen
Teddybär	bär kuscheltier plüschteddy plüschtier spielwaren spielzeug stoffbär stofftier teddy teddybär
Piñata	feier hau drauf mexikanisch mexiko objekt party pinada pinata piñata süß süßigkeiten
Discokugel	disco discokugel lichtreflexe party spiegel spiegelkugel tanz tanzen
Matroschka	babuschka matrioschka matrjoschka matroschka puppe russland spielzeug
Pik	karten kartenspiel pik
Herz	herz kartenspiel
Karo	karo kartenspiel
Kreuz	kartenspiel kreuz
Bauer Schach	bauer schach schach
Jokerkarte	joker jokerkarte spielkarte
Mahjong-Stein	mahjong mahjong-stein roter drache spiel
japanische Blumenkarte	blume blumenkarte hanafuda japan japanische blumenkarte karte
Masken	kunst masken theater unterhaltung
gerahmtes Bild	bild gemälde gerahmtes bild kunst malen rahmen zeichnen zeichnung
Mischpalette	farben kunst künstler mischpalette palette
Faden	faden nadel nähen nähfaden nähgarn rolle spule zwirn
Nähnadel	einfädeln faden nadel nadel und faden nähen nähnadel nähte schneidern stiche sticken
Wollknäuel	ball garn häkeln spinnen stricken wolle wollknäuel zwirn
Knoten	achterknoten binden knoten schnur schnürsenkel seemansknoten segelboot segeln seil verknoten zusammendrehen
Brille	accessoire brille
Sonnenbrille	augen brille dunkel sonnenbrille
Schutzbrille	augenschutz brille schutzbrille schweißen schweißerbrille schwimmen tauchen taucherbrille
Laborkittel	arzt arztkittel doc doktor experiment kleidung kleidungsstück laborkittel labormantel weiße jacke weißer mantel wissenschaftler
Sicherheitsweste	kleidung notfall sicherheit sicherheitsweste weste
Hemd mit Krawatte	hemd hemd mit krawatte kleidung kragen schlips
T-Shirt	kleidung shirt t-shirt
Jeans	hose jeans kleidung
Schal	hals kalt kleidung schal warm anziehen
Handschuhe	hand handschuh handschuhe
Mantel	brr jacke kalt kleidung mantel warm anziehen
Socken	socken strumpf strümpfe
Kleid	kleid kleidung
Kimono	japanisch kimono kleid kleidung
Sari	kleid kleidung sari
einteiliger Badeanzug	badeanzug einteiliger badeanzug kleidung
Slip	badeanzug einteiler kleidung slip unterwäsche
Shorts	badebekleidung badehose boxershorts kleidung schwimmshorts shorts
Bikini	badeanzug bikini kleidung
Bluse	bluse damenmode kleidung oberbekleidung shirt
Faltfächer	abkühlung faltfächer flirten fächer heiß kühlen luft zufächeln schüchtern spanisch tanz warm
Geldbörse	accessoire brieftasche geldbörse münzen portemonnaie
Handtasche	accessoire einkaufen handtasche tasche
Clutch	accessoire beutel clutch handtasche kulturbeutel tasche waschtasche
Einkaufstüten	einkaufen einkaufstüten shoppen shopping tasche tüte
Schulranzen	ranzen rucksack schule schulranzen tornister
Zehensandale	badelatschen flipflops latschen sandalen schuh strandschuh zehensandale zehensandalen
Herrenschuh	gehen herren herrenschuh schuh
Sportschuh	laufen rennen schuh sneaker sportlich sportschuh turnschuh
Wanderstiefel	brauner schuh campen camping kleidungsstück outdoor rucksacktour schuh stiefel wandern wanderstiefel wanderung
flacher Schuh	ballerina ballet-pumps bequem flacher schuh frauenschuh kleidungsstück schuh slipper
Stöckelschuh	absatz absatzschuh damen elegant high heel highheels pumps rot schuh stöckelschuh vornehm
Damensandale	damen damensandale sandale schuh
Ballettschuhe	ballett ballettschuhe kleidung schuhe tanz
Damenstiefel	damen damenstiefel schuh stiefel
Haarkamm	afro afro pick haare haarkamm kamm kämmen
Krone	kopfbedeckung krone könig königin majestät
Damenhut	damenhut damenhut mit schleife hut kleidung kopfbedeckung schleife
Zylinder	hut kopfbedeckung unterhaltung zauberer zylinder zylinderhut
Doktorhut	abschlussfeier diplom doktorhut
Baseballmütze	baseball baseball-kappe baseball-mütze baseballkappe baseballmütze mütze schirmkappe
Militärhelm	armee heer helm krieg kämpfer kämpferin militär militärhelm schutzhelm soldat soldatin
Rettungshelm	bergen erste hilfe helm helm mit weißem kreuz hilfe kreuz retten rettungshelm roter helm sanitäter
Gebetskette	beten gebet gebetskette kette religion rosenkranz
Lippenstift	kosmetik lippenstift make-up makeup rot schminke
Ring	diamantring edelstein ring schmuck verlobung
Edelstein	diamant edelstein
durchgestrichener Lautsprecher	durchgestrichener lautsprecher leise psst stumm stummgeschaltet
Lautsprecher mit geringer Lautstärke	eingeschaltet lautsprecher mit geringer lautstärke ton an
Lautsprecher mit mittlerer Lautstärke	lautsprecher mit einer schallwelle lautsprecher mit mittlerer lautstärke leise mittellaut ton
Lautsprecher mit hoher Lautstärke	dezibel laut lautsprecher mit drei schallwellen lautsprecher mit hoher lautstärke musik schallwellen
Lautsprecher	lautsprecher megafon schallendes megafon
Megafon	jubel lautsprecher megafon
Posthorn	brief e-mail post posthorn
Glocke	ding dong glocke klingeling ton eingeschaltet
durchgestrichene Glocke	durchgestrichene glocke glocke kein ton leise ton ausgeschaltet
Notenschlüssel	musik noten notenschlüssel partitur violinschlüssel
Musiknote	lied melodie musik musiknote note
Musiknoten	musik musiknoten noten
Studiomikrofon	mikrofon studiomikrofon
Schieberegler	musik schieberegler
Drehregler	bedienknöpfe drehregler knöpfe stellknöpfe
Mikrofon	karaoke mikrofon singen unterhaltung
Kopfhörer	kopfhörer musik unterhaltung
Radio	musik radio
Saxofon	instrument musik musikinstrument saxofon
Trompete	instrument musik musikinstrument trompete
Akkordeon	akkordeon akkordeons concertina harmonika instrument musik musikinstrument quetschkommode quetschkommoden schifferklavier spielen ziehharmonika ziehharmonikas
Gitarre	gitarre instrument musik musikinstrument
Klaviatur	instrument klaviatur klavier musik musikinstrument piano tastatur tasten
Geige	geige instrument musik musikinstrument violine
Banjo	banjo instrument musik saiteninstrument zupfinstrument
Trommel	drumsticks instrument musik schlägel sticks trommel trommelstöcke
afrikanische Trommel	afrikanische trommel conga handtrommel instrument musikinstrument rhythmus trommel trommeln
Maracas	cha-cha-cha instrument maracas musik musikinstrument musizieren party percussion rassel rasseln tanz tanzen
Flöte	band blaskapelle flöte holzblasinstrument instrument musik musikinstrument musizieren orchester spielmannszug
Mobiltelefon	handy iphone mobiltelefon smartphone telefonieren
Mobiltelefon mit Pfeil	anruf anrufen handy iphone kommunikation mobiltelefon mobiltelefon mit pfeil pfeil whatsapp
Telefon	anruf anrufen festnetz telefon
Telefonhörer	anrufen hörer kommunikation telefon telefonhörer
Pager	kommunikation pager piepser
Faxgerät	fax faxgerät kommunikation
Batterie	akku batterie
schwache Batterie	akku akku fast leer akku leer aufladen batterie batterie fast leer batterie leer elektronik ladestand niedriger akkustand schwache batterie schwacher akku
Netzstecker	netzstecker stecker stromstecker
Laptop	bildschirm computer computermonitor laptop monitor notebook pc
Desktopcomputer	bildschirm computer desktop desktopcomputer imac monitor
Drucker	computer drucker
Tastatur	computer keyboard tastatur
Computermaus	computer computermaus maus
Trackball	computer trackball
Minidisc	md minidisc minidisk
Diskette	datenträger diskette
CD	blu-ray cd dvd
DVD	blu-ray cd computer dvd
Abakus	abaki abakus abakusse berechnung kalkulation mathe mathematik rechenhilfe rechenrahmen rechenschieber rechnen zählen zählrahmen
Filmkamera	film filmkamera kino unterhaltung
Filmstreifen	film filmband filmstreifen kino
Filmprojektor	filmprojektor kino unterhaltung
Filmklappe	film filmklappe klappe unterhaltung
Fernseher	fernsehen fernseher film tv
Fotoapparat	fotoapparat fotos kamera
Fotoapparat mit Blitz	blitz fotoapparat fotoapparat mit blitz
Videokamera	filmen videokamera videos
Videokassette	vhs video videokassette
Lupe nach links	lupe nach links suche vergrößerungsglas
Lupe nach rechts	lupe lupe nach rechts suche vergrößerungsglas
Kerze	kerze licht
Glühbirne	glühbirne hell idee lampe licht
Taschenlampe	lampe licht taschenlampe
rote Papierlaterne	izakaya japanische laterne japanisches lokal rote papierlaterne
Öllampe	diya lampe öl öllampe
Notizbuch mit dekorativem Einband	einband notizbuch notizbuch mit dekorativem einband
geschlossenes Buch	buch geschlossen geschlossenes buch
offenes Buch	bibliothek blättern buch geöffnet lernen lesen offen offenes buch seite
grünes Buch	buch grün grünes buch lesen
blaues Buch	blau blaues buch buch
orangefarbenes Buch	buch orangefarben orangefarbenes buch
Bücherstapel	bücher bücherstapel fantasie lesen roman
Notizbuch	notizbuch notizen
Spiralblock	notizblock spiralblock
teilweise eingerolltes Blatt	dokument papier seite teilweise eingerolltes blatt
Schriftrolle	papier schriftrolle
Vorderseite eines Blattes	dokument papier seite vorderseite eines blattes
Zeitung	medien nachrichten presse zeitung
zusammengerollte Zeitung	zeitung zusammengerollt zusammengerollte zeitung
Pagemarker	notizen pagemarker
Lesezeichen	etikett lesen lesezeichen
Etikett	etikett label marke
Münze	bezahlen dollar euro geld gold goldesel metall münze reich schatz silber sparen
Geldsack	geld geldsack moneten reich sack
Yen-Banknote	geld geldschein yen yen-banknote
Dollar-Banknote	dollar dollar-banknote geld geldschein währung
Euro-Banknote	euro euro-banknote euroschein geld geldschein
Pfund-Banknote	geld geldschein pfund pfund-banknote
Geldschein mit Flügeln	bank euro geld geldschein mit flügeln knete moneten
Kreditkarte	bankkarte ec-karte geldkarte guthaben karte kreditkarte
Beleg	abrechnung aufstellung beleg blatt buchhalter buchhaltung quittung rechnung rechnungswesen schriftstück
steigende Kurve mit Yen-Zeichen	diagramm markt steigende kurve mit yen-zeichen steigender trend mit yen-zeichen
Briefumschlag	brief briefumschlag e-mail
E-Mail	brief e-mail e-mail-symbol post
eingehender Briefumschlag	e-mail eingehender briefumschlag empfangen umschlag
Umschlag mit Pfeil	e-mail gesendet umschlag mit pfeil
Postausgang	ablage e-mail postausgang
Posteingang	ablage e-mail posteingang
Paket	paket päckchen
geschlossener Briefkasten mit Post	briefkasten e-mail geschlossen geschlossener briefkasten mit post post
geschlossener Briefkasten ohne Post	briefkasten geschlossen geschlossener briefkasten ohne post keine e-mail keine post post
offener Briefkasten mit Post	briefkasten e-mail offen offener briefkasten mit post post
offener Briefkasten ohne Post	briefkasten keine e-mail keine post offen offener briefkasten ohne post post
Briefkasten	brief briefkasten post
Urne mit Wahlzettel	urne urne mit wahlzettel wahlen wahlzettel
Bleistift	bleistift stift
schwarzer Federhalter	federhalter füller schwarz schwarzer federhalter stift
Füllhalter	füller füllfedehalter füllfederhalter füllhalter schreiben stift
Kugelschreiber	kugelschreiber stift
Pinsel	kunst malen pinsel
Wachsmalstift	buntstift filzstift wachsmalstift
Papier und Bleistift	bleistift kurzmitteilung nachricht notiz papier papier und bleistift schreibblock schreiben
Aktentasche	aktentasche tasche
Ordner	akten büro dokument geschlossen ordner
geöffneter Ordner	dokument geöffneter ordner offen ordner
Karteireiter	akten büro büroausstattung büromaterial karteibahnen karteikarten karteireiter
Kalender	datum kalender kalenderblatt
Abreißkalender	abreißkalender datum kalender termin
Notizblock	block notiz notizblock papier
Spiralkalender	kalender spiralkalender
Rotationskartei	rotationskartei visitenkarten
Aufwärtstrend	aufwärtstrend diagramm kurve steigend
Abwärtstrend	abwärtstrend diagramm fallend kurve
Balkendiagramm	balken balkendiagramm diagramm
Klemmbrett	clipboard clpboard klemmbrett zwischenablage
Reißzwecke	anpinnen reißzwecke
Stecknadel	anpinnen reißzwecke rund runde reißzwecke stecknadel
Büroklammer	büroklammer
verhakte Büroklammern	büroklammer büroklammern verhakt verhakte büroklammern
Lineal	lineal
dreieckiges Lineal	dreieckiges lineal geodreieck lineal
Schere	schere schneiden schnipp
Karteikasten	büroausstattung büromaterial karteikasten
Aktenschrank	ablage aktenschrank archiv schublade
Papierkorb	abfalleimer papierkorb
geschlossenes Schloss	datenschutz geschlossen geschlossenes schloss schloss sicherheit
offenes Schloss	nicht gesichert offen offenes schloss schloss
Schloss mit Füller	datenschutz privat schloss mit füller sicherheit
Schloss mit Schlüssel	datenschutz privat schloss mit schlüssel sicherheit
Schlüssel	passwort schließen schlüssel
alter Schlüssel	alt alter schlüssel schloss schlüssel
Hammer	hammer werkzeug
Axt	axt beil hacken holz spalten werkzeug
Pickel	pickel werkzeug
Hammer und Pickel	arbeiter hammer hammer und pickel pickel werkzeug
Hammer und Schraubenschlüssel	hammer hammer und schraubenschlüssel schraubenschlüssel werkzeug
Dolch	dolch schwert waffe
gekreuzte Schwerter	gekreuzt gekreuzte schwerter schwerter waffe
Bombe	bombe comic dynamit explodieren
Bumerang	aborigines australien boomerang bumerang schleuder waffe werfen
Pfeil und Bogen	bogen pfeil pfeil und bogen
Schutzschild	schild schutzschild
Handsäge	handsäge holz säge sägen tischler trimmen werkzeug
Schraubenschlüssel	schraubenschlüssel werkzeug
Schraubenzieher	schraube schrauben schraubendreher schraubenzieher werkzeug
Mutter und Schraube	mutter und schraube schraube
Zahnrad	werkzeug zahnrad
Schraubzwinge	schraubzwinge werkzeug
Waage	gerechtigkeit gewicht waage werkzeug wiegen
Blindenstock	barrierefreiheit behinderung blind blindenstock gehstock
Linksymbol	kettenglieder linksymbol verknüpfen verknüpfung verknüpfungssymbol zwei ringe
gebrochene Kette	brechen freiheit gebrochen gebrochene kette handschellen kette zerbrechen
Ketten	eisen kette ketten
Haken	angelhaken aufhaken aufhängen einhaken haken hängen metallhaken
Werkzeugkasten	box handkasten kasten kiste mechaniker rote kiste werkzeug werkzeugkasten werkzeugkiste werkzeugkoffer
Magnet	anziehung anziehungskraft hufeisen magnet magnetisch pole positiv negativ u-form
Leiter	hochsteigen holzleiter klettern leiter sprosse stufe
Destillierapparat	destillierapparat werkzeug
Reagenzglas	chemie chemikalie chemiker experiment labor reagenzglas substanz versuche wissenschaft
Petrischale	bakterien bakterienkultur biologe biologie biologin kultur labor petrischale pipette probe
DNA	biologe biologie biologin dna dns evolution gen genetik genmanipulation leben
Mikroskop	labor mikroskop untersuchen wissenschaft
Teleskop	himmel teleskop
Satellitenschüssel	antenne sat-schüssel satellitenschüssel satschüssel schüssel
Spritze	arzt impfen impfung injektion kanüle nadel spritze
Blutstropfen	blutspende blutstropfen flüssigkeit medizin menstruation
Kapsel	arznei arzt kapsel medizin pille tabletten
Heftpflaster	heftpflaster pflaster verletzt wunde
Krücke	behinderung beinverletzung fußverletzung gehhilfe gehstütze hilfe krücke schmerzen stock verletzt verletzung
Stethoskop	abhören arzt doktor herz herzschlag medizin stethoskop untersuchung
Röntgenbild	durchleuchten knochen medizin radiologie rippen röntgen röntgenbild röntgenstrahlen skelett
Tür	eingang geschlossen tür
Fahrstuhl	aufzug fahrstuhl haus lift symbol transport
Spiegel	holzspiegel reflexion spiegel spiegelbild wandspiegel
Fenster	aussicht durchsichtig fenster fensterrahmen frische luft glas haus lüften rahmen öffnung
Bett	bett hotel schlafen übernachtung
Sofa und Lampe	couch lampe sofa sofa und lampe
Stuhl	holzstuhl möbel sitzen stuhl
Toilette	klo toilette wc
Saugglocke	abfluss gummiglocke klempner klo pömpel pümpel sanitär saugglocke saugglocken toilette verstopft wc werkzeug
Dusche	dusche duschkopf
Badewanne	bad badewanne badezimmer dusche
Mausefalle	anlocken falle käse maus mausefalle mäusefalle
Rasierer	klinge rasieren rasierer rasiermesser scharf
Creme	creme feuchtigkeitscreme feuchtigkeitsmilch haarwaschmittel körpercreme lotion nachtcreme shampoo sonnencreme
Sicherheitsnadel	punk sicherheitsnadel windel
Besen	besen fegen hexe hexenbesen kehren reinigen sauber machen säubern
Korb	bauernhof korb landwirtschaft picknick tragekorb wäsche wäschekorb
Küchenrolle	hygiene klopapier küchenrolle papierrolle papiertücher toilette toilettenpapier wc wc-papier
Eimer	behälter bottich eimer kübel wassereimer
Seife	baden putzen reinigen riegel sauber sauber machen schaum schäumen seife seifenschale seifenstück säubern
Blasen	blasen perlen reinigen schaum schweben seife seifenblasen unter wasser wasserblasen
Zahnbürste	badezimmer bürste körperpflege mundhygiene putzen sauber zahnbürste zahnhygiene zähne
Schwamm	absorbieren aufsaugen löchrig porös putzen putzmittel reinigen sauber machen schaum schwamm schäumen
Feuerlöscher	feuer feuerlöscher löschen
Einkaufswagen	einkaufen einkaufswagen
Zigarette	kippe rauchen rauchersymbol zigarette
Sarg	beerdigung sarg tod tot vampir
Grabstein	friedhof grab grabstein rip tot
Urne	beerdigung tod tot urne
Nazar-Amulett	amulett blau böser blick glasperle glücksbringer kügelchen nazar nazar-amulett perle talisman
Hamsa	amulett auge in offener hand fatima glückssymbol hamsa hand jüdisch maria muslimisch schutz
Statue	gesicht maske osterinsel statue
Protestschild	ankündigung bekanntmachung demonstration hinweis mahnwache plakat protest protestschild schild
Ausweis	ausweis dokument führerschein karte pass personalausweis plakette reisepass
Symbol „Geldautomat“	atm geldautomat symbol „geldautomat“
Symbol „Papierkorb“	abfall müll mülleimer sauberkeit symbol „papierkorb“ wegschmeißen wegwerfen
Trinkwasser	trinkwasser wasser wasserhahn
Symbol „Rollstuhl“	barrierefrei behindertengerecht rollstuhl symbol „rollstuhl“
Herren	herren herrentoilette wc
Damen	damen damentoilette wc
Toiletten	toilette toiletten wc
Symbol „Baby“	baby symbol „baby“ wickelraum
WC	toilette wc
Passkontrolle	pass passkontrolle
Zollkontrolle	zoll zollkontrolle
Gepäckausgabe	gepäck gepäckausgabe
Gepäckaufbewahrung	gepäck gepäckaufbewahrung schließfach
Warnung	achtung dreieck vorsicht warnschild warnung
Kinder überqueren die Straße	kinder kinder überqueren die straße kinder-queren-die-straße-schild straßenschild vorsicht
Zutritt verboten	einbahnstrasse kein zutritt keine durchfahrt zutritt verboten zutritt-verboten-schild
Verboten	kein zutritt kein-zutritt-zeichen verboten verbotszeichen
Fahrräder verboten	fahhrad fahrrad-verboten-schild fahrräder verboten radfahren verboten
Rauchverbot	rauchen verboten rauchverbot zigarette
Abfall verboten	abfall müll müll-verboten-zeichen
Kein Trinkwasser	kein trinkwasser verboten verschmutzt wasser
Fußgänger verboten	fußgänger verboten fußgänger-verboten-schild
Mobiltelefone verboten	handy mobiltelefon mobiltelefone verboten verbot
Minderjährige verboten	erwachsene minderjährige verboten mindestalter nicht jugendfrei zeichen mit durchgestrichener 18
Radioaktiv	radioaktiv
Biogefährdung	biogefährdung zeichen
Pfeil nach oben	aufwärts aufwärtspfeil norden pfeil pfeil nach oben
Pfeil nach rechts oben	nordosten pfeil pfeil nach rechts oben
Pfeil nach rechts	osten pfeil pfeil nach rechts rechtspfeil
Pfeil nach rechts unten	pfeil pfeil nach rechts unten südosten
Pfeil nach unten	abwärts abwärtspfeil pfeil pfeil nach unten süden
Pfeil nach links unten	pfeil pfeil nach links unten
Pfeil nach links	linkspfeil pfeil pfeil nach links westen
Pfeil nach links oben	nordwesten pfeil pfeil nach links oben
Pfeil nach oben und unten	entgegengesetzt pfeil pfeil nach oben und unten
Pfeil nach links und rechts	entgegengesetzt pfeil pfeil nach links und rechts
geschwungener Pfeil nach links	geschwungen geschwungener pfeil nach links pfeil
geschwungener Pfeil nach rechts	geschwungen pfeil umdrehen
geschwungener Pfeil nach oben	geschwungen pfeil
geschwungener Pfeil nach unten	geschwungen pfeil
kreisförmige Pfeile im Uhrzeigersinn	im uhrzeigersinn kreisförmige pfeile im uhrzeigersinn pfeile
Pfeile gegen den Uhrzeigersinn	gegen den uhrzeigersinn kreisförmige pfeile gegen den uhrzeigersinn pfeile pfeile gegen den uhrzeigersinn
BACK-Pfeil	back-pfeil links pfeil zurück
END-Pfeil	end-pfeil ende-zeichen links pfeil
ON!-Pfeil	anschalten ein-zeichen einschaltem on!-pfeil pfeil rechts und links
SOON-Pfeil	bald-zeichen pfeil rechts soon-pfeil
TOP-Pfeil	pfeil nach oben top-pfeil top-zeichen
religiöse Stätte	kultstätte religion religiöse stätte
Atomzeichen	atheist atom atomzeichen
om	hinduismus religion
Davidstern	davidstern jüdisch religion
Dharma-Rad	buddhismus dharma dharma-rad
Yin und Yang	daoismus religion yang yin yin und yang
lateinisches Kreuz	christentum kreuz lateinisch religion römisch
orthodoxes Kreuz	christentum kreuz orthodox religion
Hilal und Stern	hilal islam muslim religion stern
Friedenszeichen	friedensbewegung friedenssymbol friedenszeichen
Menora	leuchter menora religion
Hexagramm mit Punkt	hexagramm mit punkt wahrsager
Khanda	deg tegh fateh glaube khalsa khanda khanda-emblem religion schwert sikh sikhismus
Widder (Sternzeichen)	sternzeichen widder widder (sternzeichen)
Stier (Sternzeichen)	horoskop sternzeichen stier
Zwillinge (Sternzeichen)	horoskop sternzeichen zwilling zwillinge zwillinge (sternzeichen)
Krebs (Sternzeichen)	krebs krebs (sternzeichen) sternzeichen
Löwe (Sternzeichen)	horoskop löwe löwe (sternzeichen) sternzeichen
Jungfrau (Sternzeichen)	horoskop jungfrau jungfrau (sternzeichen) sternzeichen
Waage (Sternzeichen)	horoskop sternzeichen waage waage (sternzeichen)
Skorpion (Sternzeichen)	horoskop skorpion skorpion (sternzeichen) sternzeichen
Schütze (Sternzeichen)	schütze schütze (sternzeichen) sternzeichen
Steinbock (Sternzeichen)	steinbock steinbock (sternzeichen) sternzeichen
Wassermann (Sternzeichen)	sternzeichen wassermann wassermann (sternzeichen)
Fische (Sternzeichen)	fische fische (sternzeichen) horoskop sternzeichen
Schlangenträger	schlagenträger schlangenträger sternbild
Zufallsmodus	gekreuzt pfeile richtung verschlungene pfeile nach rechts zufallsmodus
Wiederholen	im uhrzeigersinn keycap pfeile tastenkappe wiederholen
Titel wiederholen	dasselbe wiederholen einmal im uhrzeigersinn noch einmal pfeile titel wiederholen
Wiedergabe	abspielen dreieck pfeil rechts wiedergabe
Doppelpfeile nach rechts	doppelpfeil doppelpfeile nach rechts vorwärts weiter überspringen
Nächster Titel	doppelpfeil dreieck nächster titel vorwärts weiter
Wiedergabe oder Pause	dreieck pause pfeil rechts wiedergabe wiedergabe oder pause
Pfeil zurück	dreieck links pfeil
Zurückspulen	doppelpfeil doppelpfeile nach links dreieck pfeil vorheriger titel zurück zurückspulen
Vorheriger Titel	doppelpfeil dreieck pfeil vorheriger titel zurück
Aufwärts-Schaltfläche	aufwärts aufwärts-schaltfläche nach oben pfeil schaltfläche
Doppelpfeile nach oben	aufwärts doppelpfeil doppelpfeile nach oben doppelt pfeil
Abwärts-Schaltfläche	abwärts abwärts-schaltfläche nach unten pfeil schaltfläche
Doppelpfeile nach unten	doppelpfeil doppelpfeile nach unten doppelt abwärts pfeil
Pause	keycap pause streifen tastenkappe vertikal
Stopp	aufnahme stoppen keycap quadrat stopp tastenkappe
Aufnehmen	aufnahme aufnehmen keycap kreis tastenkappe
Auswerfen	auswerfen auswurf auswurftaste medien
Kinosymbol	film filmkamera filmkamera in blauem quadrat kino kinosymbol unterhaltung
Taste Dimmen	dimmen gedimmt helligkeit schwache helligkeit taste dimmen
Heller-Taste	heller heller-taste helligkeit starke helligkeit
balkenförmige Signalstärkenanzeige	balkenförmige signalstärkenanzeige empfang mobilfunksignal mobiltelefon signalstärke
WLAN	computer drahtlos hotspot internet kabellos netzwerk router verbindung wi-fi wlan
Vibrationsmodus	handy kommunikation mobiltelefon symbol für vibrationsalarm vibration vibrationsmodus vibrieren
Mobiltelefon aus	ausschalten handy aus mobiltelefon mobiltelefon aus
Frauensymbol	frau frauensymbol weiblich zeichen
Männersymbol	mann männersymbol symbol zeichen
Transgender-Symbol	symbol für transgender transgender transgender-symbol
mal	abbrechen multiplikation multiplikationszeichen multiplizieren x ×
plus	+ addieren mathe pluszeichen
minus	- mathe minuszeichen −
geteilt durch	division divisionszeichen geteiltzeichen mathe ÷
Gleichheitszeichen extrafett	gleich gleichheit gleichheitszeichen gleichheitszeichen extrafett ist gleich mathematik vergleichszeichen
Unendlichkeit	ewig grenzenlos unendlich unendlichkeit
doppeltes Ausrufezeichen	ausrufezeichen doppelt doppeltes ausrufezeichen muss rot satzzeichen
Ausrufe- und Fragezeichen	ausrufe- und fragezeichen ausrufezeichen fragezeichen rot satzzeichen
rotes Fragezeichen	frage fragezeichen rot rotes fragezeichen satzzeichen warum wieso
weißes Fragezeichen	frage fragezeichen satzzeichen warum weiß weißes fragezeichen
weißes Ausrufezeichen	ausrufezeichen muss satzzeichen weiß weißes ausrufezeichen
rotes Ausrufezeichen	! ausrufezeichen rot satzzeichen
Wellenlinie	gewellt linie wellenlinie
Geldwechsel	geld geldwechsel wechsel währung
Dollarzeichen extrafett	bezahlen dollar dollar-zeichen dollarzeichen extrafett geld knete moneten teuer usd währung
Äskulapstab	apotheke arznei asklepiosstab medizin äskulapstab
Recycling-Symbol	grüne punkt grüner punkt recycling recycling-symbol
Lilie	fleur-de-lis lilie
Dreizack	anker dreizack poseidon triton
Namensschild	namensschild schild
japanisches Anfänger-Zeichen	anfänger japanisches anfänger-zeichen japanisches symbol
hohler roter Kreis	großer kreis hohler roter kreis kreis o rot
weißes Häkchen	abgehakt erledigt weißes häkchen
abgehaktes Kästchen	abgehaktes kästchen abstimmungsfeld abstimmungsfeld mit häkchen ankreuz feld häkchen kästchen kästchen mit häkchen wahlurne ✓
kräftiges Häkchen	abhaken erledigt fertig haken häkchen kräftiges häkchen
Kreuzzeichen	abbrechen durchgestrichen kreuzzeichen mal multiplikation multiplizieren rotes kreuz x
angekreuztes Kästchen	angekreuztes feld angekreuztes kästchen feld kreuz kreuzsymbol im quadrat quadrat x
Schleife	schleife
Doppelschleife	blau doppelschleife rechteck schleife
Teilalternationszeichen	japanisch teilalternationszeichen zeichensetzung
achtzackiger Stern	* achtzackig achtzackiger stern grün quadrat stern
achtstrahliger Stern	* achtstrahliger stern stern
Funkeln	* funkeln grün quadrat
Copyright	c copyright
Registered-Trademark	markenzeichen r registered-trademark
Markenzeichen	markenzeichen tm trademark
Taste: #	taste
Taste: *	taste
Taste: 0	null taste
Taste: 1	eins taste
Taste: 2	taste zwei
Taste: 3	drei taste
Taste: 4	taste vier
Taste: 5	fünf taste
Taste: 6	sechs taste
Taste: 7	sieben taste
Taste: 8	acht taste
Taste: 9	neun taste
Taste: 10	taste
Eingabesymbol lateinische Großbuchstaben	abcd buchstaben eingabe eingabesymbol großbuchstaben großschreiben lateinisch
Eingabesymbol lateinische Kleinbuchstaben	eingabesymbol lateinische kleinbuchstaben kleinbuchstaben lateinische kleinbuchstaben
Eingabesymbol Zahlen	1234 eingabe eingabesymbol symbol zahlen ziffern
Eingabesymbol Sonderzeichen	% & eingabe eingabesymbol keycap sonderzeichen symbol tastenkappe ♪ 〒
Eingabesymbol lateinische Buchstaben	abc alphabet buchstaben eingabe eingabesymbol lateinisch symbol
Großbuchstabe A in rotem Quadrat	a blut blutgruppe großbuchstabe negativ positiv
Großbuchstaben AB in rotem Quadrat	ab blut blutgruppe großbuchstaben ab in rotem quadrat negativ positiv
Großbuchstabe B in rotem Quadrat	b blut blutgruppe großbuchstabe negativ positiv
Großbuchstaben CL in rotem Quadrat	cl großbuchstaben cl in rotem quadrat
Wort „Cool“ in blauem Quadrat	cool wort „cool“ in blauem quadrat
Wort „Free“ in blauem Quadrat	free wort „free“ in blauem quadrat
Buchstabe „i“ in blauem Quadrat	buchstabe „i“ in blauem quadrat i information
Großbuchstaben ID in lila Quadrat	großbuchstaben id in lila quadrat id
Buchstabe „M“ in Kreis	buchstabe eingekreist großbuchstabe kreis m
Wort „New“ in blauem Quadrat	neu new wort „new“ in blauem quadrat
Großbuchstaben NG in blauem Quadrat	großbuchstaben ng in blauem quadrat ng
Großbuchstabe O in rotem Quadrat	0 blut blutgruppe großbuchstabe negativ o positiv
Großbuchstaben OK in blauem Quadrat	großbuchstaben keycap ok okay taste tastenkappe
Großbuchstabe P in blauem Quadrat	großbuchstabe p parken parkplatz taste
SOS-Zeichen	hilfe sos sos-zeichen
Schriftzug „UP!“ im blauen Quadrat	keycap taste tastenkappe up up!
Schriftzug VS in orangem Quadrat	gegen taste versus vs
Schriftzeichen „koko“	japanisches schriftzeichen schriftzeichen „koko“
Schriftzeichen „sa“	japanisches schriftzeichen schriftzeichen „sa“
Schriftzeichen für „Monatsbetrag“	japanisch monatlich monatsbetrag mond schriftzeichen taste
Schriftzeichen für „nicht gratis“	berechnen existieren japanisch nicht gratis schriftzeichen taste
Schriftzeichen für „reserviert“	finger japanisches schriftzeichen reserviert schriftzeichen für „finger“ schriftzeichen für „reserviert“
Schriftzeichen für „Schnäppchen“	japanisches schriftzeichen schnäppchen schriftzeichen für „schnäppchen“ schriftzeichen für „vorteil“ vorteil
Schriftzeichen für „Rabatt“	japanisches schriftzeichen rabatt schriftzeichen für „rabatt“ schriftzeichen für „teilen“ teilen
Schriftzeichen für „gratis“	gratis japanisches schriftzeichen schriftzeichen für „gratis“ schriftzeichen für „verhandlung“ verhandlung
Schriftzeichen für „verbieten“	japanisches schriftzeichen kanji schriftzeichen für „verbieten“ verbieten
Schriftzeichen für „akzeptieren“	akzeptieren japanisch schriftzeichen
Schriftzeichen für „anwenden“	anwenden chinesisches schriftzeichen japanisches schriftzeichen schriftzeichen für „anwenden“
Schriftzeichen für „Note zum Bestehen“	bestanden bestehen chinesisches schriftzeichen japanisches schriftzeichen schriftzeichen für „note zum bestehen“ schriftzeichen für „zusammen“ zusammen
Schriftzeichen für „Zimmer frei“	chinesisches schriftzeichen japanisches schriftzeichen leer schriftzeichen für „leer“ schriftzeichen für „zimmer frei“ zimmer frei
Schriftzeichen für „Gratulation“	chinesisches schriftzeichen gratulation japanisches schriftzeichen schriftzeichen für „gratulation“
Schriftzeichen für „Geheimnis“	chinesisches schriftzeichen geheimnis japanisches schriftzeichen schriftzeichen für „geheimnis“
Schriftzeichen für „Geöffnet“	betrieb chinesisches schriftzeichen geöffnet japanisches schriftzeichen schriftzeichen für „betrieb“ schriftzeichen für „geöffnet“
Schriftzeichen für „Kein Zimmer frei“	belegt besetzt chinesisches schriftzeichen fülle japanisches schriftzeichen kanji kein zimmer frei schriftzeichen für „fülle“ schriftzeichen für „kein zimmer frei“
roter Punkt	ball punkt rot roter punkt
oranger Punkt	form kreis orange orange scheibe oranger kreis oranger punkt punkt
gelber Punkt	form gelb gelbe scheibe gelber kreis gelber punkt kreis punkt scheibe
grüner Punkt	form grün grüne scheibe grüner kreis grüner punkt kreis punkt
blauer Punkt	ball blau blauer punkt großer blauer kreis kreis punkt
lila Punkt	form kreis punkt scheibe violett
brauner Punkt	braun braune scheibe brauner kreis brauner punkt form kreis punkt
schwarzer Punkt	ball großer schwarzer kreis kreis punkt rund schwarz schwarzer punkt
weißer Punkt	ball großer weißer kreis kreis punkt weiß weißer punkt
rotes Quadrat	form quadrat rot rotes quadrat rotes viereck viereck
oranges Quadrat	form orange oranges quadrat oranges viereck quadrat viereck
gelbes Quadrat	form gelb gelbes quadrat gelbes viereck quadrat viereck
grünes Quadrat	form grün grünes quadrat grünes viereck quadrat viereck
blaues Quadrat	blau blaues quadrat blaues viereck form quadrat viereck
lila Quadrat	form quadrat viereck violett
braunes Quadrat	braun braunes quadrat braunes viereck form quadrat viereck
großes schwarzes Quadrat	großes schwarzes quadrat quadrat schwarz
großes weißes Quadrat	großes weißes quadrat quadrat weiß
mittelgroßes schwarzes Quadrat	mittelgroßes schwarzes quadrat quadrat schwarz
mittelgroßes weißes Quadrat	mittelgroßes weißes quadrat quadrat weiß
mittelkleines schwarzes Quadrat	mittelkleines schwarzes quadrat quadrat schwarz
mittelkleines weißes Quadrat	geometrisch mittelkleines weißes quadrat quadrat weiß
kleines schwarzes Quadrat	kleines schwarzes quadrat punkt quadrat schwarz
kleines weißes Quadrat	kleines weißes quadrat quadrat weiß
große orangefarbene Raute	große orangefarbene raute orangefarben raute
große blaue Raute	blau große blaue raute raute
kleine orangefarbene Raute	kleine orangefarbene raute orangefarben raute
kleine blaue Raute	blau kleine blaue raute raute
rotes Dreieck mit der Spitze nach oben	aufwärts dreieck rot rotes dreieck mit der spitze nach oben rotes dreieck mit spitze oben
rotes Dreieck mit der Spitze nach unten	abwärts dreieck rot rotes dreieck mit der spitze nach unten
Rautenform mit Punkt	diamant mit punkt rautenform rautenform mit punkt
Optionsfeld	optionsfeld schaltfläche
weiße quadratische Schaltfläche	quadrat quadratisch schaltfläche weiß weiße quadratische schaltfläche
schwarze quadratische Schaltfläche	quadratisch schaltfläche schwarz schwarze quadratische schaltfläche
Zielflagge	flagge formel 1 karierte flagge nascar rennen sport zielflagge
Wimpel	dreiecksflagge flagge rot standortflagge wimpel
überkreuzte Flaggen	japan japanische flaggen überkreuzte flaggen
schwarze Flagge	fahne schwarze fahne schwarze flagge wehen wehende schwarze fahne
weiße Flagge	fahne wehen wehende weiße fahne weiße fahne weiße flagge
Regenbogenflagge	bisexuell bunt fahne flagge lesbisch lgbt lgbtq pride queer regenbogen regenbogenflagge schwul trans
Transgender-Flagge	flagge transgender transgender-flagge
Piratenflagge	jolly roger pirat piratenfahne piratenflagge schatz
Flagge: Ascension	AC flagge
Flagge: Andorra	AD flagge
Flagge: Vereinigte Arabische Emirate	AE flagge
Flagge: Afghanistan	AF flagge
Flagge: Antigua und Barbuda	AG flagge
Flagge: Anguilla	AI flagge
Flagge: Albanien	AL flagge
Flagge: Armenien	AM flagge
Flagge: Angola	AO flagge
Flagge: Antarktis	AQ flagge
Flagge: Argentinien	AR flagge
Flagge: Amerikanisch-Samoa	AS flagge
Flagge: Österreich	AT flagge
Flagge: Australien	AU flagge
Flagge: Aruba	AW flagge
Flagge: Ålandinseln	AX flagge
Flagge: Aserbaidschan	AZ flagge
Flagge: Bosnien und Herzegowina	BA flagge
Flagge: Barbados	BB flagge
Flagge: Bangladesch	BD flagge
Flagge: Belgien	BE flagge
Flagge: Burkina Faso	BF flagge
Flagge: Bulgarien	BG flagge
Flagge: Bahrain	BH flagge
Flagge: Burundi	BI flagge
Flagge: Benin	BJ flagge
Flagge: St. Barthélemy	BL flagge
Flagge: Bermuda	BM flagge
Flagge: Brunei Darussalam	BN flagge
Flagge: Bolivien	BO flagge
Flagge: Karibische Niederlande	BQ flagge
Flagge: Brasilien	BR flagge
Flagge: Bahamas	BS flagge
Flagge: Bhutan	BT flagge
Flagge: Bouvetinsel	BV flagge
Flagge: Botsuana	BW flagge
Flagge: Belarus	BY flagge
Flagge: Belize	BZ flagge
Flagge: Kanada	CA flagge
Flagge: Kokosinseln	CC flagge
Flagge: Kongo-Kinshasa	CD flagge
Flagge: Zentralafrikanische Republik	CF flagge
Flagge: Kongo-Brazzaville	CG flagge
Flagge: Schweiz	CH flagge
Flagge: Côte d’Ivoire	CI flagge
Flagge: Cookinseln	CK flagge
Flagge: Chile	CL flagge
Flagge: Kamerun	CM flagge
Flagge: China	CN flagge
Flagge: Kolumbien	CO flagge
Flagge: Clipperton-Insel	CP flagge
Flagge: Costa Rica	CR flagge
Flagge: Kuba	CU flagge
Flagge: Cabo Verde	CV flagge
Flagge: Curaçao	CW flagge
Flagge: Weihnachtsinsel	CX flagge
Flagge: Zypern	CY flagge
Flagge: Tschechien	CZ flagge
Flagge: Deutschland	DE flagge
Flagge: Diego Garcia	DG flagge
Flagge: Dschibuti	DJ flagge
Flagge: Dänemark	DK flagge
Flagge: Dominica	DM flagge
Flagge: Dominikanische Republik	DO flagge
Flagge: Algerien	DZ flagge
Flagge: Ceuta und Melilla	EA flagge
Flagge: Ecuador	EC flagge
Flagge: Estland	EE flagge
Flagge: Ägypten	EG flagge
Flagge: Westsahara	EH flagge
Flagge: Eritrea	ER flagge
Flagge: Spanien	ES flagge
Flagge: Äthiopien	ET flagge
Flagge: Europäische Union	EU flagge
Flagge: Finnland	FI flagge
Flagge: Fidschi	FJ flagge
Flagge: Falklandinseln	FK flagge
Flagge: Mikronesien	FM flagge
Flagge: Färöer	FO flagge
Flagge: Frankreich	FR flagge
Flagge: Gabun	GA flagge
Flagge: Vereinigtes Königreich	GB flagge
Flagge: Grenada	GD flagge
Flagge: Georgien	GE flagge
Flagge: Französisch-Guayana	GF flagge
Flagge: Guernsey	GG flagge
Flagge: Ghana	GH flagge
Flagge: Gibraltar	GI flagge
Flagge: Grönland	GL flagge
Flagge: Gambia	GM flagge
Flagge: Guinea	GN flagge
Flagge: Guadeloupe	GP flagge
Flagge: Äquatorialguinea	GQ flagge
Flagge: Griechenland	GR flagge
Flagge: Südgeorgien und die Südlichen Sandwichinseln	GS flagge
Flagge: Guatemala	GT flagge
Flagge: Guam	GU flagge
Flagge: Guinea-Bissau	GW flagge
Flagge: Guyana	GY flagge
Flagge: Sonderverwaltungsregion Hongkong	HK flagge
Flagge: Heard und McDonaldinseln	HM flagge
Flagge: Honduras	HN flagge
Flagge: Kroatien	HR flagge
Flagge: Haiti	HT flagge
Flagge: Ungarn	HU flagge
Flagge: Kanarische Inseln	IC flagge
Flagge: Indonesien	ID flagge
Flagge: Irland	IE flagge
Flagge: Israel	IL flagge
Flagge: Isle of Man	IM flagge
Flagge: Indien	IN flagge
Flagge: Britisches Territorium im Indischen Ozean	IO flagge
Flagge: Irak	IQ flagge
Flagge: Iran	IR flagge
Flagge: Island	IS flagge
Flagge: Italien	IT flagge
Flagge: Jersey	JE flagge
Flagge: Jamaika	JM flagge
Flagge: Jordanien	JO flagge
Flagge: Japan	JP flagge
Flagge: Kenia	KE flagge
Flagge: Kirgisistan	KG flagge
Flagge: Kambodscha	KH flagge
Flagge: Kiribati	KI flagge
Flagge: Komoren	KM flagge
Flagge: St. Kitts und Nevis	KN flagge
Flagge: Nordkorea	KP flagge
Flagge: Südkorea	KR flagge
Flagge: Kuwait	KW flagge
Flagge: Kaimaninseln	KY flagge
Flagge: Kasachstan	KZ flagge
Flagge: Laos	LA flagge
Flagge: Libanon	LB flagge
Flagge: St. Lucia	LC flagge
Flagge: Liechtenstein	LI flagge
Flagge: Sri Lanka	LK flagge
Flagge: Liberia	LR flagge
Flagge: Lesotho	LS flagge
Flagge: Litauen	LT flagge
Flagge: Luxemburg	LU flagge
Flagge: Lettland	LV flagge
Flagge: Libyen	LY flagge
Flagge: Marokko	MA flagge
Flagge: Monaco	MC flagge
Flagge: Republik Moldau	MD flagge
Flagge: Montenegro	ME flagge
Flagge: St. Martin	MF flagge
Flagge: Madagaskar	MG flagge
Flagge: Marshallinseln	MH flagge
Flagge: Nordmazedonien	MK flagge
Flagge: Mali	ML flagge
Flagge: Myanmar	MM flagge
Flagge: Mongolei	MN flagge
Flagge: Sonderverwaltungsregion Macau	MO flagge
Flagge: Nördliche Marianen	MP flagge
Flagge: Martinique	MQ flagge
Flagge: Mauretanien	MR flagge
Flagge: Montserrat	MS flagge
Flagge: Malta	MT flagge
Flagge: Mauritius	MU flagge
Flagge: Malediven	MV flagge
Flagge: Malawi	MW flagge
Flagge: Mexiko	MX flagge
Flagge: Malaysia	MY flagge
Flagge: Mosambik	MZ flagge
Flagge: Namibia	NA flagge
Flagge: Neukaledonien	NC flagge
Flagge: Niger	NE flagge
Flagge: Norfolkinsel	NF flagge
Flagge: Nigeria	NG flagge
Flagge: Nicaragua	NI flagge
Flagge: Niederlande	NL flagge
Flagge: Norwegen	NO flagge
Flagge: Nepal	NP flagge
Flagge: Nauru	NR flagge
Flagge: Niue	NU flagge
Flagge: Neuseeland	NZ flagge
Flagge: Oman	OM flagge
Flagge: Panama	PA flagge
Flagge: Peru	PE flagge
Flagge: Französisch-Polynesien	PF flagge
Flagge: Papua-Neuguinea	PG flagge
Flagge: Philippinen	PH flagge
Flagge: Pakistan	PK flagge
Flagge: Polen	PL flagge
Flagge: St. Pierre und Miquelon	PM flagge
Flagge: Pitcairninseln	PN flagge
Flagge: Puerto Rico	PR flagge
Flagge: Palästinensische Autonomiegebiete	PS flagge
Flagge: Portugal	PT flagge
Flagge: Palau	PW flagge
Flagge: Paraguay	PY flagge
Flagge: Katar	QA flagge
Flagge: Réunion	RE flagge
Flagge: Rumänien	RO flagge
Flagge: Serbien	RS flagge
Flagge: Russland	RU flagge
Flagge: Ruanda	RW flagge
Flagge: Saudi-Arabien	SA flagge
Flagge: Salomonen	SB flagge
Flagge: Seychellen	SC flagge
Flagge: Sudan	SD flagge
Flagge: Schweden	SE flagge
Flagge: Singapur	SG flagge
Flagge: St. Helena	SH flagge
Flagge: Slowenien	SI flagge
Flagge: Spitzbergen und Jan Mayen	SJ flagge
Flagge: Slowakei	SK flagge
Flagge: Sierra Leone	SL flagge
Flagge: San Marino	SM flagge
Flagge: Senegal	SN flagge
Flagge: Somalia	SO flagge
Flagge: Suriname	SR flagge
Flagge: Südsudan	SS flagge
Flagge: São Tomé und Príncipe	ST flagge
Flagge: El Salvador	SV flagge
Flagge: Sint Maarten	SX flagge
Flagge: Syrien	SY flagge
Flagge: Eswatini	SZ flagge
Flagge: Tristan da Cunha	TA flagge
Flagge: Turks- und Caicosinseln	TC flagge
Flagge: Tschad	TD flagge
Flagge: Französische Süd- und Antarktisgebiete	TF flagge
Flagge: Togo	TG flagge
Flagge: Thailand	TH flagge
Flagge: Tadschikistan	TJ flagge
Flagge: Tokelau	TK flagge
Flagge: Timor-Leste	TL flagge
Flagge: Turkmenistan	TM flagge
Flagge: Tunesien	TN flagge
Flagge: Tonga	TO flagge
Flagge: Türkei	TR flagge
Flagge: Trinidad und Tobago	TT flagge
Flagge: Tuvalu	TV flagge
Flagge: Taiwan	TW flagge
Flagge: Tansania	TZ flagge
Flagge: Ukraine	UA flagge
Flagge: Uganda	UG flagge
Flagge: Amerikanische Überseeinseln	UM flagge
Flagge: Vereinte Nationen	UN flagge
Flagge: Vereinigte Staaten	US flagge
Flagge: Uruguay	UY flagge
Flagge: Usbekistan	UZ flagge
Flagge: Vatikanstadt	VA flagge
Flagge: St. Vincent und die Grenadinen	VC flagge
Flagge: Venezuela	VE flagge
Flagge: Britische Jungferninseln	VG flagge
Flagge: Amerikanische Jungferninseln	VI flagge
Flagge: Vietnam	VN flagge
Flagge: Vanuatu	VU flagge
Flagge: Wallis und Futuna	WF flagge
Flagge: Samoa	WS flagge
Flagge: Kosovo	XK flagge
Flagge: Jemen	YE flagge
Flagge: Mayotte	YT flagge
Flagge: Südafrika	ZA flagge
Flagge: Sambia	ZM flagge
Flagge: Simbabwe	ZW flagge
Flagge: England	flagge gbeng
Flagge: Schottland	flagge gbsct
Flagge: Wales	flagge gbwls`;
